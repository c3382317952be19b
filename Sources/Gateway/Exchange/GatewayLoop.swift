import Books
import Bytes
import Inference
import Log
import Metrics
import Policy
import Transport

/// The gateway's half of one loop: gives each gRPC call its handler and holds what they share: the
/// current policy, a writer, the random numbers, spare body buffers. One per loop; not Sendable.
package final class GatewayLoop: CallRouter {
  /// The number of body buffers kept for the next large bodies, and the largest that is kept.
  package static let spareBuffersMax = 4
  package static let spareBufferBytesMax = 16 << 20
  /// The most that is set aside for a body that was announced and has not come.
  package static let reservedBytesMax = 1 << 20

  /// Places of `waiting` whose exchanges were told, before the others move up.
  private static let goneMax = 1024

  private(set) var policy: CompiledPolicy
  let log: any LogSink
  /// Exclusivity is not checked at run time: only this loop's handlers reach it, one after the other,
  /// and none of the functions that it is handed to knows the loop.
  @safe @exclusivity(unchecked) var writer = WireWriter()
  var random: Xoshiro256
  private var requestIDs: RequestIDs
  private let clock: () -> UnixTime
  private var spareBuffers: [[UInt8]] = []
  var readers = SpareBoxes<BodyReader>()
  var meters = SpareBoxes<ResponseMeter>()
  /// nil where nothing is counted or recorded: pieces under test, `explain`.
  let books: Books?
  /// nil likewise.
  let metrics: LoopMetrics?
  /// Which response ids were given to whom; nil likewise.
  let responseIDs: ResponseIDs?
  /// Exchanges whose verdict waits for their record, in the order of its number. Where numbers are given
  /// out again, the outcome of the earlier records comes first.
  private var waiting: [(open: OpenAdmission, exchange: any WaitsForBooks)] = []
  private var firstWaiting = 0
  /// Exchanges that wait for the store, by their tickets' ids.
  private var asking: [UInt64: any WaitsForBooks] = [:]

  private static let process: StaticString = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
  private static let check: StaticString = "/envoy.service.auth.v3.Authorization/Check"

  /// - Parameters:
  ///   - random: seeded from the system unless a test wants the same draws again.
  ///   - clock: the wall clock, for expiries and request ids.
  package convenience init(
    policy: PolicySnapshot, limits: PolicyLimits? = nil, books: Books? = nil,
    metrics: LoopMetrics? = nil, responseIDs: ResponseIDs? = nil, log: any LogSink,
    random: Xoshiro256 = Xoshiro256(), clock: @escaping () -> UnixTime = UnixTime.now
  ) {
    self.init(
      policy: CompiledPolicy(policy, limits: limits), books: books, metrics: metrics,
      responseIDs: responseIDs, log: log, random: random, clock: clock)
  }

  /// The same with a policy that was compiled before, for all loops at once.
  package init(
    policy: CompiledPolicy, books: Books? = nil, metrics: LoopMetrics? = nil,
    responseIDs: ResponseIDs? = nil, log: any LogSink, random: Xoshiro256 = Xoshiro256(),
    clock: @escaping () -> UnixTime = UnixTime.now
  ) {
    self.policy = policy
    self.books = books
    self.metrics = metrics
    self.responseIDs = responseIDs
    self.log = log
    self.random = random
    self.clock = clock
    var seed = random
    _ = seed.next()
    requestIDs = RequestIDs(
      seed: Xoshiro256(words: (seed.next(), seed.next(), seed.next(), seed.next() | 1)))
  }

  /// New exchanges use this policy; those in flight keep theirs.
  package func use(_ policy: CompiledPolicy) { self.policy = policy }

  /// The same, compiled on this thread.
  package func use(_ policy: PolicySnapshot, limits: PolicyLimits? = nil) {
    use(CompiledPolicy(policy, limits: limits))
  }

  /// The exchange is told what becomes of its admission's record. To be called in the same turn of
  /// the loop that admitted it: the outcome comes in a later one.
  func wait(for open: OpenAdmission, _ exchange: any WaitsForBooks) {
    waiting.append((open, exchange))
  }

  /// The exchange is told when the books are to be asked again. To be called in the same turn of the
  /// loop that got the ticket: what is told of it comes in a later one.
  func wait(for ticket: StoreTicket, _ exchange: any WaitsForBooks) {
    asking[ticket.id] = exchange
  }

  /// The exchange does not wait for the store any more.
  func withdraw(_ ticket: StoreTicket?) {
    guard let ticket else { return }
    asking[ticket.id] = nil
    books?.withdraw(ticket)
  }

  /// Exchanges that wait for the store.
  var askingCount: Int { asking.count }

  /// Tickets that wait no longer, on this loop's thread.
  package func storeAnswered(_ tickets: [UInt64]) {
    guard !asking.isEmpty else { return }
    for id in tickets { asking.removeValue(forKey: id)?.storeAnswered() }
  }

  /// Exchanges that have not been told of their record.
  var waitingCount: Int { waiting.count - firstWaiting }

  /// What became of records, on this loop's thread.
  package func recordsEnded(_ outcome: Books.RecordOutcome) {
    switch outcome {
    case .durable(let seq):
      while firstWaiting < waiting.count, waiting[firstWaiting].open.seq <= seq {
        waiting[firstWaiting].exchange.recorded()
        firstWaiting += 1
      }
      if waitingCount == 0 || firstWaiting > Self.goneMax {
        waiting.removeFirst(firstWaiting)
        firstWaiting = 0
      }
    case .failed(let seqs, let epoch):
      func isMeant(_ open: OpenAdmission) -> Bool {
        open.epoch < epoch && seqs.contains(open.seq)
      }
      let gone = waiting[firstWaiting...].filter { isMeant($0.open) }
      waiting = waiting[firstWaiting...].filter { !isMeant($0.open) }
      firstWaiting = 0
      for entry in gone { entry.exchange.recordFailed() }
    }
  }

  /// A new handler for a call of that gRPC path (`/package.Service/Method`); nil for another method,
  /// which the transport answers with UNIMPLEMENTED.
  package func handler(path: Span<UInt8>) -> (any CallHandler)? {
    if path.elementsEqual(Self.process) { return ExtProcExchange(self) }
    if path.elementsEqual(Self.check) { return CheckExchange(self) }
    // Whoever asks is answered by the transport.
    metrics?.called(.other, .unimplemented)
    return nil
  }

  func now() -> UnixTime { clock() }

  func nextRequestID() -> [UInt8] {
    requestIDs.next(unixMilliseconds: clock().milliseconds)
  }

  /// An empty buffer for a body of about that many bytes, with room from an earlier one if there is
  /// one. It does not grow with every piece, which would copy and fault in the memory again.
  func takeBuffer(bytes: Int) -> [UInt8] {
    var buffer = spareBuffers.popLast() ?? []
    buffer.reserveCapacity(min(bytes, Self.reservedBytesMax))
    return buffer
  }

  /// Keeps a buffer's room for the next body.
  func giveBack(_ buffer: consuming [UInt8]) {
    guard buffer.capacity > 0, buffer.capacity <= Self.spareBufferBytesMax,
      spareBuffers.count < Self.spareBuffersMax
    else { return }
    buffer.removeAll(keepingCapacity: true)
    spareBuffers.append(buffer)
  }
}
