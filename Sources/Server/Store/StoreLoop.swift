import Books
import Bytes
import Log
import Quota
import Redis
import Shipping
import Store

/// Carries statements from the books to the servers of the store, and answers back; says that this
/// replica lives; follows the master, or a cluster's slots.
///
/// On the store's thread, which owns it.
final class StoreLoop {
  /// How often a replica says that it lives.
  static let presenceInterval: Int64 = 1_000
  /// How often what is known is published.
  static let statusInterval: Int64 = 200
  /// How long the last statements of a process may take: what was settled last is stated within a second.
  static let farewellMax: Int64 = 1_500
  /// How much longer than the lease's time a start asks for the place of a process that is gone.
  static let fenceDelay: Int64 = 2_000
  /// The longest sleep.
  static let sleepMax: Int64 = 1_000
  /// How often a call may be sent to another server, each time because the one before said so.
  static let redirectionsMax = 3

  /// A call that is under way.
  enum Call {
    case statements(StatementCallUnderWay, StoreCaller, sentNanoseconds: Int64, redirections: Int)
    case presence(StoreCaller)
    case guide
  }

  let settings: StoreSettings
  let address: StoreAddress
  let books: Books
  let log: Logger
  let shared: StoreShared
  let record: @Sendable (Int64) -> Void
  let revision: @Sendable () -> String
  let nonce: UInt32

  var map: StoreMap
  var links: [RedisNode: StoreLink] = [:]
  /// A Sentinel; in a cluster the servers themselves are asked.
  var guide: StoreLink?
  var calls: [UInt64: Call] = [:]
  var lastCall: UInt64 = 0
  /// Whether the store has taken this process's start number: nothing is stated before.
  var isRegistered = false
  var isFenced = false
  private(set) var startedMs: Int64 = 0
  let names: NameResolver
  let ready: @Sendable () -> Void
  let fenced: @Sendable () -> Void
  /// The servers that refuse this process, and why: no waiting mends that. One that has answered as
  /// it should is none of them.
  var refusals: [RedisNode: String] = [:]
  /// Why no server can be found, where that is a mistake in the settings.
  var guideRefusal: String?
  var lost: Set<Int> = []
  /// Who lives, as the books said in this turn of the loop; nil before they were asked.
  var livingInTurn: [Holder]?
  /// Who lives, as far as the store has told.
  var mirror = FleetMirror()
  var nextPresenceMs: Int64 = 0
  var presenceIsUnderWay = false
  var nextGuideMs: Int64 = 0
  /// How many Sentinels in a row could not say where the master is.
  var guideFailures = 0
  var guideBackoff = Backoff(first: RedisLimits.backoffFirst, max: RedisLimits.backoffMax)
  var guideIsUnderWay = false
  var nextStatusMs: Int64 = 0
  var status: StoreStatus
  var farewellByMs: Int64?
  /// The last problem with the credentials or with how the master is set up, which is logged once.
  var told = ""

  init(
    _ settings: StoreSettings, books: Books, revision: @escaping @Sendable () -> String,
    record: @escaping @Sendable (Int64) -> Void, ready: @escaping @Sendable () -> Void,
    fenced: @escaping @Sendable () -> Void,
    shared: StoreShared, log: Logger
  ) {
    self.settings = settings
    address = settings.address.address
    self.books = books
    self.revision = revision
    self.record = record
    self.ready = ready
    self.fenced = fenced
    self.shared = shared
    self.log = log
    names = NameResolver(wake: shared.wake)
    nonce = UInt32.random(in: 0 ... .max)
    map = StoreMap(address)
    status = StoreStatus(
      address: settings.address.description, replica: settings.replica,
      holder: books.holder ?? Holder(ledger: "", start: 0))
    if let node = map.master { addLink(node) }
  }

  func run() {
    startedMs = Self.nowMs()
    while true {
      let nowMs = Self.nowMs()
      livingInTurn = nil
      if takeRequests(nowMs) { break }
      tickLinks(nowMs)
      askTheGuide(nowMs)
      sayPresence(nowMs)
      let next = sendStatements(nowMs)
      flush(nowMs)
      publish(nowMs)
      if let farewellByMs {
        let isQuiet = calls.isEmpty && (next ?? .max) > farewellByMs
        if isQuiet || nowMs >= farewellByMs { break }
      }
      sleep(until: next, nowMs)
    }
    publish(.max)
    shared.end()
  }

  /// True where the thread is to end at once.
  private func takeRequests(_ nowMs: Int64) -> Bool {
    let (reloads, stops) = shared.values.withLock { values in
      defer { (values.reloads, values.stops) = (false, false) }
      return (values.reloads, values.stops)
    }
    if reloads { reload(nowMs) }
    if stops {
      books.giveBack()
      guard isRegistered, !isFenced else { return true }
      farewellByMs = nowMs + Self.farewellMax
    }
    return false
  }

  /// Where the credentials are others now, every connection is made anew with them.
  private func reload(_ nowMs: Int64) {
    guard case .success(let credentials) = readCredentials() else { return }
    for node in links.keys {
      links[node]?.hurry(nowMs: nowMs)
      guard links[node]?.credentials != credentials else { continue }
      act(on: node, nowMs) { $0.close("other credentials", "RELOAD", nowMs: nowMs, jitter: $1) }
    }
    guide?.hurry(nowMs: nowMs)
  }

  private func sleep(until next: Int64?, _ nowMs: Int64) {
    var until = min(nowMs + Self.sleepMax, nextPresenceMs, nextStatusMs)
    if let next { until = min(until, next) }
    if address.kind != .single { until = min(until, nextGuideMs) }
    for link in links.values { if let due = link.nextMs(nowMs: nowMs) { until = min(until, due) } }
    if let due = guide?.nextMs(nowMs: nowMs) { until = min(until, due) }
    if let farewellByMs { until = min(until, farewellByMs) }
    var polled = [Polled(shared.wakeEvent.raw, reads: true)]
    var watched: [RedisNode] = []
    for (node, link) in links {
      guard let one = link.polled else { continue }
      polled.append(one)
      watched.append(node)
    }
    let guided = guide?.polled
    if let guided { polled.append(guided) }
    Kernel.poll(&polled, timeoutMilliseconds: Int32(clamping: max(0, until - nowMs)))
    let wokenMs = Self.nowMs()
    if polled[0].isReadable { Kernel.clear(shared.wakeEvent) }
    for (index, node) in watched.enumerated() {
      act(on: node, wokenMs) { $0.proceed(polled[index + 1], nowMs: wokenMs, jitter: $1) }
    }
    if guided != nil, let last = polled.last {
      handleGuide(guide?.proceed(last, nowMs: wokenMs, jitter: jitter()) ?? [], wokenMs)
    }
  }

  /// By CLOCK_BOOTTIME, as the books count.
  static func nowMs() -> Int64 { SystemClock.bootNanoseconds() / 1_000_000 }

  func jitter() -> UInt64 { UInt64.random(in: 0 ... .max) }

  func tellOnce(_ text: String, _ tell: (String) -> Void) {
    guard text != told else { return }
    told = text
    tell(text)
  }

  // MARK: Links

  func addLink(_ node: RedisNode) {
    guard links[node] == nil, links.count < RedisLimits.serversMax else { return }
    guard node.isLocal || settings.allowsNetwork || !settings.address.isLocal else {
      let problem =
        "it names the server \(node), which leads over a network, and there is no TLS here: give"
        + " --allow-plaintext-network, or have it name loopback addresses"
      failed("ADDRESS", problem)
      refusals[node] = problem
      return tellOnce(problem) { log.storeUnfit($0, isRefused: true, address: address.description) }
    }
    links[node] = StoreLink(
      node, .data(address.kind, database: address.database), names: names)
  }

  /// Does something with a server's link, and what follows from it.
  func act(
    on node: RedisNode, _ nowMs: Int64,
    _ step: (inout StoreLink, _ jitter: UInt64) -> [StoreLink.Event]
  ) {
    guard links[node] != nil else { return }
    handle(step(&links[node]!, jitter()), node, nowMs)
  }

  /// The links that the map names, and no others.
  func followMap(_ nowMs: Int64) {
    var wanted = map.servers
    if address.kind == .cluster { wanted.insert(map.guide) }
    for node in wanted { addLink(node) }
    for node in links.keys where !wanted.contains(node) {
      act(on: node, nowMs) { $0.close("not used any more", "MOVED", nowMs: nowMs, jitter: $1) }
      links[node] = nil
    }
    refusals = refusals.filter { wanted.contains($0.key) }
  }

  private func tickLinks(_ nowMs: Int64) {
    for node in links.keys {
      act(on: node, nowMs) {
        $0.tick(nowMs: nowMs, jitter: $1, readCredentials: readCredentials)
      }
    }
    noteLosses(nowMs)
    books.storeTick()
  }

  func readCredentials() -> Result<RedisCredentials?, StoreProblem> {
    do throws(StoreCredentialsSource.Problem) {
      return .success(
        try settings.credentials.read().map {
          RedisCredentials(name: $0.name, password: $0.password)
        })
    } catch {
      tellOnce("\(error)") { log.storeCredentialsRefused($0, address: address.description) }
      return .failure(StoreProblem(text: "\(error)"))
    }
  }

  /// Tells the books which partitions cannot be asked any more, and which can be again.
  private func noteLosses(_ nowMs: Int64) {
    for partition in 0..<SharedKey.partitions {
      let link = map.server(of: partition).flatMap { links[$0] }
      // Where nobody says where it is, it is as lost as whoever should say it.
      let isLost = link?.isLost(nowMs: nowMs) ?? guideIsLost(nowMs)
      if isLost, lost.insert(partition).inserted {
        books.store(partition: partition, isLost: true)
      } else if !isLost, link?.isReady == true, lost.remove(partition) != nil {
        books.store(partition: partition, isLost: false)
      }
    }
  }

  private func guideIsLost(_ nowMs: Int64) -> Bool {
    if guideFailures >= 2 { return true }
    if let guide { return guide.isLost(nowMs: nowMs) }
    return links[map.guide].map { $0.isLost(nowMs: nowMs) } ?? false
  }

  private func flush(_ nowMs: Int64) {
    for node in links.keys {
      act(on: node, nowMs) { $0.flush(nowMs: nowMs, jitter: $1) }
    }
    handleGuide(guide?.flush(nowMs: nowMs, jitter: jitter()) ?? [], nowMs)
  }

  // MARK: What is known

  func publish(_ nowMs: Int64) {
    guard nowMs >= nextStatusMs else { return }
    nextStatusMs = nowMs == .max ? nowMs : nowMs + Self.statusInterval
    status.refusal = guideRefusal ?? refusals.min { "\($0.key)" < "\($1.key)" }?.value
    for note in books.takeStoreNotes() {
      status.add(note)
      log.store(note, address: settings.address.description)
    }
    let heldReadiness = status.holdsReadiness
    books.fill(&status)
    if heldReadiness, !status.holdsReadiness { ready() }
    shared.values.withLock { $0.status = status }
  }

  func failed(_ word: String, _ reason: String) {
    let known = RedisError.knownWords.contains(word) ? word : "other"
    status.failures[known, default: 0] += 1
    status.problem = reason
  }
}
