import Bytes
import Ledger
import Shipping
import Testing
import Transport

@testable import Server

/// The sinks that connect, tested with sockets that behave as receivers do.
@Suite(.timeLimit(.minutes(2)))
struct ShipSinkTests {
  /// A listener on 127.0.0.1, and what it has accepted.
  private final class Receiver {
    let listener: Descriptor
    let address: SocketAddress
    private(set) var connection: Descriptor?

    /// Without a backlog it is bound and refuses: nobody else gets its port meanwhile.
    init(backlog: Int32? = 16) throws {
      let any = try #require(SocketAddress(literal: "127.0.0.1", port: 0))
      listener = try Kernel.createSocket(for: any)
      try Kernel.bind(listener, to: any)
      if let backlog { try Kernel.listen(listener, backlog: backlog) }
      address = try Kernel.localAddress(of: listener)
    }

    /// Whether a connection was there by now.
    func accept() throws -> Bool {
      connection = try Kernel.accept(listener)
      return connection != nil
    }

    func hangUp() { connection = nil }

    /// What has come.
    func read() -> [UInt8] {
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      guard let connection, case .bytes(let count) = Kernel.receive(connection, into: &buffer)
      else { return [] }
      return Array(buffer.prefix(count))
    }

    /// Sends until nothing more is taken; how much that was.
    func flood() -> Int {
      let piece = [UInt8](repeating: 0x20, count: 64 << 10)
      var total = 0
      while let connection, case .bytes(let count) = Kernel.send(connection, piece) {
        total += count
      }
      return total
    }
  }

  private let target: ShipTarget = {
    var target = ShipTarget(.tcp(host: "receiver.example", port: 1))
    target.timeout = .seconds(4)
    return target
  }()

  private func batch(_ seqs: ClosedRange<Int64> = 1...2) -> ShipBatch {
    var batch = ShipBatch(BatchBounds())
    for seq in seqs {
      let text = "{\"type\":\"start\",\"seq\":\(seq),\"timestamp\":\"2026-11-22T20:17:10.123Z\"}"
      let bytes = Array(text.utf8)
      if let head = RecordHead(line: bytes) { batch.add(.init(head: head, bytes: bytes), nowMs: 0) }
    }
    return batch
  }

  /// Lets the sink work until `isEnough`; every event so far.
  private func run(
    _ sink: some ShipSink, until isEnough: ([ShipEvent]) throws -> Bool
  ) throws -> [ShipEvent] {
    let end = MonotonicTime.now + TestClient.timeout
    var events: [ShipEvent] = []
    while try !isEnough(events), .now < end {
      var polled = [sink.polled].compactMap(\.self)
      let wait = min(sink.pollInterval ?? .milliseconds(20), .milliseconds(20))
      Kernel.poll(&polled, timeoutMilliseconds: Int32(wait.wholeMilliseconds))
      events += sink.proceed(polled.first)
    }
    #expect(try isEnough(events), "\(events)")
    return events
  }

  private func isLost(_ event: ShipEvent) -> Bool {
    if case .lost = event { true } else { false }
  }

  // MARK: - Several addresses

  @Test
  func `An address that refuses and one that never answers do not keep it from one that does`()
    throws
  {
    let refusing = try Receiver(backlog: nil)
    // Its queue is full: further connections are neither made nor refused.
    let hole = try Receiver(backlog: 0)
    var waiting: [Descriptor] = []
    for _ in 0..<4 {
      let socket = try Kernel.createSocket(for: hole.address)
      _ = try Kernel.beginConnect(socket, to: hole.address)
      waiting.append(socket)
    }
    let live = try Receiver()
    let addresses = [refusing.address, hole.address, live.address]
    let counted = Locked(0)
    let sink = LinesSink(target) { host, port in
      #expect(host == "receiver.example" && port == 1)
      counted.withLock { $0 += 1 }
      return addresses
    }
    sink.connect()
    var events = try run(sink) { $0.contains(.connected) }
    #expect(events == [.connected])
    #expect(try live.accept())
    sink.export(batch())
    events = try run(sink) { $0.contains(.answered(.delivered)) }
    #expect(!events.contains(where: isLost))

    // The next connection begins where the last one worked, after a name look-up of its own.
    sink.disconnect()
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
    #expect(counted.withLock { $0 } == 2)
    withExtendedLifetime((waiting, refusing)) {}
  }

  @Test func `An address that connects and takes nothing is not the first one next time`() throws {
    let silent = try Receiver()
    let live = try Receiver()
    let addresses = [silent.address, live.address]
    let sink = LinesSink(target) { _, _ in addresses }
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try silent.accept())
    // As after an export that has timed out.
    sink.disconnect()
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
  }

  @Test func `Where no address answers, the last one's reason is told`() throws {
    let refusing = [try Receiver(backlog: nil), try Receiver(backlog: nil)]
    let addresses = refusing.map(\.address)
    let sink = LinesSink(target) { _, _ in addresses }
    sink.connect()
    let events = try run(sink) { $0.contains(where: isLost) }
    #expect(events == [.lost("connect: Connection refused")])
    withExtendedLifetime(refusing) {}
  }

  @Test func `A name that cannot be resolved is told at once`() throws {
    let sink = LinesSink(target) { _, _ throws(ResolveError) in throw ResolveError(reason: "no") }
    sink.connect()
    #expect(sink.proceed(nil) == [.lost("receiver.example cannot be resolved: no")])
  }

  // MARK: - Receivers that send

  @Test func `A receiver that floods is read a part at a time, and batches go on`() throws {
    let live = try Receiver()
    let sink = LinesSink(target) { _, _ in [live.address] }
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
    let oneTurn = ShippingLimits.readsPerTurnMax * (16 << 10)
    #expect(live.flood() > oneTurn)
    var polled = [try #require(sink.polled)]
    Kernel.poll(&polled, timeoutMilliseconds: 10_000)
    #expect(polled[0].isReadable)
    #expect(sink.proceed(polled[0]) == [])
    // Something is left, for another turn.
    var again = [try #require(sink.polled)]
    Kernel.poll(&again, timeoutMilliseconds: 0)
    #expect(again[0].isReadable)
    sink.export(batch())
    let events = try run(sink) { events in
      _ = live.flood()
      _ = live.read()
      return events.contains(.answered(.delivered))
    }
    #expect(!events.contains(where: isLost))
  }

  @Test func `One turn reads so much and not one piece more`() throws {
    let live = try Receiver()
    var socket = OutgoingSocket(.init(target.place), timeout: target.timeout) { _, _ in
      [live.address]
    }
    #expect(socket.connect() == nil)
    let end = MonotonicTime.now + TestClient.timeout
    while !socket.isOpen, .now < end {
      var polled = [Polled(try #require(socket.descriptor).raw, writes: true)]
      Kernel.poll(&polled, timeoutMilliseconds: 1_000)
      _ = socket.connecting(polled[0])
    }
    #expect(try live.accept())
    #expect(live.flood() > 0)
    // However much of it has come by now, there are no more reads than that.
    for _ in 0..<8 {
      var reads = 0
      guard
        case .open = socket.receive({ _ in
          reads += 1
          return nil
        })
      else {
        Issue.record("the connection has ended")
        return
      }
      #expect(reads <= ShippingLimits.readsPerTurnMax)
    }
  }

  // MARK: - Receivers of lines that close their sending direction

  @Test func `A receiver that closes its sending side at once gets every batch once`() throws {
    let live = try Receiver()
    let sink = LinesSink(target) { _, _ in [live.address] }
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
    Kernel.shutdownWrites(try #require(live.connection))
    // The end has come before anything is written.
    var polled = [try #require(sink.polled)]
    Kernel.poll(&polled, timeoutMilliseconds: 10_000)
    #expect(sink.proceed(polled[0]) == [])
    #expect(sink.polled?.reads == false)
    var received: [UInt8] = []
    for seqs in [1...2, 3...4] as [ClosedRange<Int64>] {
      sink.export(batch(seqs))
      let events = try run(sink) { $0.contains(.answered(.delivered)) }
      #expect(!events.contains(where: isLost))
      received += live.read()
    }
    #expect(received == Array(batch(1...4).lines.map { $0.bytes + [10] }.joined()))
    // When it closes the connection with unread bytes, that is noticed.
    sink.export(batch(5...5))
    _ = try run(sink) { $0.contains(.answered(.delivered)) }
    live.hangUp()
    let events = try run(sink) { $0.contains(where: isLost) }
    #expect(events.count == 1)
  }

  @Test func `A receiver that is gone altogether delivers nothing, though its end looks the same`()
    throws
  {
    let live = try Receiver()
    let sink = LinesSink(target) { _, _ in [live.address] }
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
    live.hangUp()
    var polled = [try #require(sink.polled)]
    Kernel.poll(&polled, timeoutMilliseconds: 10_000)
    #expect(sink.proceed(polled[0]) == [])
    sink.export(batch())
    let events = try run(sink) { $0.contains(where: isLost) }
    #expect(!events.contains(.answered(.delivered)))
    #expect(sink.polled == nil)
  }

  @Test func `An end behind a delivery is taken for the receiver's leaving`() throws {
    let live = try Receiver()
    let sink = LinesSink(target) { _, _ in [live.address] }
    sink.connect()
    _ = try run(sink) { $0.contains(.connected) }
    #expect(try live.accept())
    sink.export(batch())
    _ = try run(sink) { $0.contains(.answered(.delivered)) }
    Kernel.shutdownWrites(try #require(live.connection))
    let events = try run(sink) { $0.contains(where: isLost) }
    #expect(events == [.lost("the receiver closed the connection")])
  }
}
