import Terms
import Testing

@testable import Ledger

/// A ledger that is almost full is shared: whoever wrote the most is refused first, and no tenant
/// fills it for the others.
struct TenantShareTests {
  /// A writable queue with a bound of 1 MiB that so many tenants share.
  private static func queue(among tenantCount: Int, diskBytes: Int64 = 0) -> LedgerQueue {
    var queue = LedgerQueue(
      nextSeq: 1, durability: .durable, ledgerBytesMax: 1 << 20, diskBytes: diskBytes)
    queue.tenantCount = tenantCount
    queue.beginSegment(
      BooksState(counters: [], open: [], estimates: []), timeMs: 0, identity: .made(), repair: nil)
    _ = queue.takeBatch()
    queue.segmentBegan()
    return queue
  }

  private static func admission(
    _ tenant: String?, _ id: String, _ decision: Admission.Decision = .allow
  ) -> LedgerRecord.Body {
    .admission(Admission(requestID: id, decision: decision, tenant: tenant, policy: "p"))
  }

  private static func completion(_ tenant: String, _ id: String) -> LedgerRecord.Body {
    .completion(
      Completion(
        requestID: id, tenant: tenant, usageSource: .none, endReason: .complete, origin: .gateway))
  }

  /// Admits and completes one exchange; why not, where it is refused.
  private static func exchange(
    _ queue: inout LedgerQueue, _ tenant: String, at timeMs: Int64 = 0
  ) -> LedgerState.Reason? {
    let id = "\(tenant)-\(queue.nextSeq)"
    if case .refused(let why) = queue.enqueue(admission(tenant, id), timeMs: timeMs) { return why }
    _ = queue.enqueue(completion(tenant, id), timeMs: timeMs)
    return nil
  }

  /// How many exchanges pass, one after the other, and why the next does not.
  private static func flood(
    _ queue: inout LedgerQueue, _ tenant: String, at timeMs: Int64 = 0, most: Int = 5_000
  ) -> (count: Int, why: LedgerState.Reason?) {
    for count in 0..<most {
      if let why = exchange(&queue, tenant, at: timeMs) { return (count, why) }
    }
    return (most, nil)
  }

  @Test(arguments: [2, 3, 1_000])
  func `a tenant that floods is refused, and another's exchanges all pass`(tenantCount: Int) {
    var queue = Self.queue(among: tenantCount)
    let flood = Self.flood(&queue, "a")
    #expect(flood.why == .overShare)
    #expect(flood.count > 400)
    for _ in 0..<30 {
      #expect(Self.exchange(&queue, "b") == nil)
      #expect(Self.exchange(&queue, "a") == .overShare)
    }
    #expect(queue.state == .writable)
  }

  @Test func `what it wrote is not forgotten while the ledger is crowded`() {
    var queue = Self.queue(among: 2)
    _ = Self.flood(&queue, "a")
    for minute in 1...30 {
      #expect(Self.exchange(&queue, "a", at: Int64(minute) * 60_000) == .overShare)
      #expect(Self.exchange(&queue, "b", at: Int64(minute) * 60_000) == nil)
    }
  }

  @Test func `a flood that was slow has its share of the rest, and no more`() {
    // 80 % were full before anybody wrote.
    var queue = Self.queue(among: 2, diskBytes: 850_000)
    let (count, why) = Self.flood(&queue, "a")
    #expect(why == .overShare)
    // Half of a fifth of a mebibyte.
    #expect((20...65).contains(count))
    #expect(Self.flood(&queue, "b", most: 20).why == nil)
  }

  @Test func `exchanges that are open count with the room kept free for their ends`() {
    var queue = Self.queue(among: 2)
    var opened = 0
    while queue.enqueue(Self.admission("a", "\(opened)"), timeMs: 0) != .refused(.overShare) {
      opened += 1
      #expect(opened < 1_000)
    }
    for _ in 0..<15 { #expect(Self.exchange(&queue, "b") == nil) }
    // They end, and are forgotten a minute later.
    for id in 0..<opened { _ = queue.enqueue(Self.completion("a", "\(id)"), timeMs: 1_000) }
    #expect(Self.exchange(&queue, "a", at: 62_000) == nil)
  }

  @Test func `one tenant alone uses the whole of its ledger`() {
    var queue = Self.queue(among: 1)
    #expect(Self.flood(&queue, "a").why == .ledgerFull)
  }

  @Test func `refusals of a tenant over its share, and of nobody's, are only counted`() {
    var queue = Self.queue(among: 2)
    #expect(queue.enqueue(Self.admission(nil, "x", .deny), timeMs: 0) == .queued(seq: 2))
    _ = Self.flood(&queue, "a")
    for tenant in ["a", nil] {
      let record = Self.admission(tenant, "x", .deny)
      #expect(queue.enqueue(record, timeMs: 0) == .refused(.overShare))
      let count = Denials(tenant: tenant, reason: "r", count: 1, sinceMs: 0)
      #expect(queue.enqueue(.denials(count), timeMs: 0) == .refused(.overShare))
    }
    #expect(queue.refusedCount == 4)
    #expect(queue.enqueue(Self.admission("b", "x", .deny), timeMs: 0) != .refused(.overShare))
  }

  @Test func `when segments were removed, everybody writes again`() {
    var queue = Self.queue(among: 2)
    _ = Self.flood(&queue, "a")
    while !queue.entries.isEmpty { _ = queue.takeBatch() }
    queue.written(diskBytes: 400_000, except: [])
    #expect(Self.exchange(&queue, "a", at: 1) == nil)
    // Crowded again within the minute: its flood counts still.
    queue.written(diskBytes: 900_000, except: [])
    #expect(Self.exchange(&queue, "a", at: 2) == .overShare)
    queue.written(diskBytes: 400_000, except: [])
    #expect(Self.exchange(&queue, "a", at: 90_000) == nil)
    queue.written(diskBytes: 900_000, except: [])
    #expect(Self.exchange(&queue, "a", at: 90_001) == nil)
  }

  @Test func `without a bound, nobody is counted`() {
    var queue = LedgerQueue(nextSeq: 1, durability: .durable, ledgerBytesMax: nil, diskBytes: 0)
    queue.tenantCount = 2
    queue.beginSegment(
      BooksState(counters: [], open: [], estimates: []), timeMs: 0, identity: .made(), repair: nil)
    queue.segmentBegan()
    #expect(Self.flood(&queue, "a", most: 2_000).why == nil)
  }
}
