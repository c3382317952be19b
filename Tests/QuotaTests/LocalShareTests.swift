import Terms
import Testing

@testable import Quota

/// `local`: what a replica may use by itself while the store does not say.
struct LocalShareTests {
  static let start: Int64 = 1_799_000_000_000

  static func rule(_ window: LimitWindow, amount: Int64) -> LimitRule {
    LimitRule(
      owner: .tenant("a"), name: "n", kind: .requests, amount: amount, window: window,
      scope: .owner, subjectsMax: 10, onStoreLoss: .local)
  }

  /// One of two replicas, whose store is open.
  static func desk(_ rule: LimitRule) -> (desk: Desk, link: StoreLink, now: Int64) {
    let desk = Desk([rule])
    let link = StoreLink()
    desk.share(link, usesLeases: false, at: start)
    for second in 1...12 as ClosedRange<Int64> {
      link.pump(&desk.table, at: start + second * 1_000)
    }
    let now = start + 13_000
    let replicas = [link.holder, Holder(ledger: String(repeating: "f", count: 32), start: 1)].map {
      FleetView.Replica(holder: $0, name: "r", revision: "1", sinceMs: now)
    }
    desk.table.alive(FleetView(replicas: replicas), bootMs: link.boot(now))
    return (desk, link, now)
  }

  static func reserve(
    _ desk: Desk, _ link: StoreLink, at now: Int64, asked: QuotaAsk? = nil
  ) -> Answer {
    Answer(
      desk.table.reserve(
        desk.set, caller: .a, demand: .stated(0, 0), now: now, bootMs: link.boot(now), asked: asked
      ))
  }

  @Test func `a request that the store has not answered in time is of the share`() throws {
    let (desk, link, now) = Self.desk(Self.rule(.calendar(.day), amount: 9))
    #expect(desk.use(.stated(0, 0), at: now))
    // The store answers, but too late for each request. It was seen with 8 left.
    var admitted = 0
    for _ in 0..<8 {
      let ask = try #require(Self.reserve(desk, link, at: now).ask)
      if let held = Self.reserve(desk, link, at: now + 50, asked: ask).held {
        _ = desk.settle(held, .used(.tokens(0, 0)), at: now + 50)
        admitted += 1
      }
    }
    #expect(admitted == 4)
    link.pump(&desk.table, at: now + 200)
    // What was used is stated, and the share ended: half of what is left is another.
    let ask = try #require(Self.reserve(desk, link, at: now + 200).ask)
    let held = try #require(Self.reserve(desk, link, at: now + 250, asked: ask).held)
    _ = desk.settle(held, .nothing, at: now + 250)
  }

  @Test func `a bucket that is used first while the store is lost has its share`() throws {
    let window = LimitWindow.bucket(periodMilliseconds: 60_000, capacity: 60)
    let (desk, link, now) = Self.desk(Self.rule(window, amount: 60))
    for partition in 0..<SharedKey.partitions {
      desk.table.lost(partition: partition, bootMs: link.boot(now))
    }
    // It begins empty, and half a request comes in a second.
    #expect(Self.reserve(desk, link, at: now).refusal != nil)
    let held = try #require(Self.reserve(desk, link, at: now + 2_000).held)
    _ = desk.settle(held, .nothing, at: now + 2_000)
  }
}
