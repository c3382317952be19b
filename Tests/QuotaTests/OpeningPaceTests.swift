import StoreModel
import Testing

@testable import Quota

/// How often a partition that opens is asked whether it is open, while it waits for a replica that does
/// not come: so long it takes, the lease's time, and no longer.
struct OpeningPaceTests {
  private static let start: Int64 = 1_000_000_000_000
  private static let leaseMs: Int64 = 10_000
  private static let most = 10

  /// What became of replicas that start together on an empty store.
  private struct Told {
    /// Calls for each replica and partition, in all and in the second that had most of them.
    var calls = 0
    var inSecond = 0
    /// When the first knew that the last partition was open, and when the last did; by the opening's
    /// age.
    var firstMs: Int64 = 0
    var lastMs: Int64 = 0
  }

  /// `fleet`: how many are said to live; those beside `most` are only a number.
  private func open(fleet: Int64) -> Told {
    let server = StoreLink.Server()
    let gone = Holder(ledger: String(repeating: "f", count: 32), start: 1)
    var view = FleetView(replicas: [])
    view.count = fleet
    var told = Told()
    var known = Set<Int>()
    var seconds: [Int64: Int] = [:]
    var replicas = (0..<Self.most).map { number in
      let link = StoreLink(server, ledger: number)
      link.start = 1
      link.alive = [link.holder, gone]
      var table = QuotaTable(LimitCatalog(rules: []))
      table.share(
        SharingSettings(leaseMilliseconds: Self.leaseMs), as: link.holder, now: Self.start,
        bootMs: link.boot(Self.start))
      table.alive(view, bootMs: link.boot(Self.start))
      return (link: link, table: table)
    }
    while known.count < Self.most {
      let next = replicas.map { $0.table.nextDue(bootMs: $0.link.boot(Self.start)) ?? .max }
      let soonest = (next.min() ?? .max).minusSaturating(replicas[0].link.bootAheadMs)
      let now = max(Self.start, soonest)
      guard now < Self.start + 2 * Self.leaseMs else { break }
      for number in replicas.indices {
        let before = server.heard.count
        replicas[number].link.pump(&replicas[number].table, at: now)
        guard server.heard.count > before else { continue }
        let age = now - Self.start
        // The first second is that of the claims.
        if age >= 1_000 { seconds[age / 1_000, default: 0] += server.heard.count - before }
        let partitions = replicas[number].table.sharing!.partitions
        guard partitions.allSatisfy({ $0.state == .open }), known.insert(number).inserted else {
          continue
        }
        if known.count == 1 { told.firstMs = age }
        told.lastMs = age
      }
    }
    told.calls = server.heard.count / Self.most
    told.inSecond = (seconds.values.max() ?? 0) / Self.most
    return told
  }

  @Test func `a small fleet asks each 100 ms, and goes on when the lease's time is over`() {
    let told = open(fleet: Int64(Self.most))
    #expect(told.inSecond <= 20 * SharedKey.partitions)
    #expect(told.firstMs >= Self.leaseMs && told.lastMs <= Self.leaseMs + OpeningPace.firstMs)
  }

  @Test(arguments: [100, 300, 1_000, 2_000])
  func `a large fleet asks no more than the store can answer`(fleet: Int64) {
    let told = open(fleet: fleet)
    // Ten times a second it would be 100 for each partition; a fleet of 31 asks as often.
    #expect(Int64(told.calls) <= 150 * Int64(SharedKey.partitions) * 31 / fleet + 192)
    // A wait is up to half shorter, and in some seconds more come together than in others.
    #expect(Int64(told.inSecond) * fleet <= 5 * OpeningPace.callsPerSecond / 2)
    let spread = fleet * Int64(SharedKey.partitions) * 1_000 / OpeningPace.callsPerSecond
    #expect(told.firstMs >= Self.leaseMs && told.lastMs <= Self.leaseMs + spread)
  }

  @Test func `of a thousand replicas one asks at once when the lease's time is over`() {
    let waits = (0..<1_000).map { number in
      var pace = OpeningPace(ledger: String(repeating: "0", count: 28) + String(1_000 + number))
      return pace.wait(ageMs: Self.leaseMs - 1_000, leaseMs: Self.leaseMs, replicas: 1_000)
    }
    #expect(waits.allSatisfy { $0 >= 1_000 })
    #expect(waits.contains { $0 <= 1_050 })
    // And they do not come together.
    let each = Dictionary(waits.map { ($0 / 100, 1) }, uniquingKeysWith: +)
    #expect((each.values.max() ?? 0) < 100, "\(each)")
  }

  @Test(arguments: [0, 1, 64, 10_000, .max])
  func `a wait is never shorter than half of the first, and always ends`(replicas: Int64) {
    var pace = OpeningPace(ledger: "")
    for age in [.min, -1, 0, 99, 5_000, 9_999, 10_000, 10_001, .max] as [Int64] {
      let wait = pace.wait(ageMs: age, leaseMs: Self.leaseMs, replicas: replicas)
      #expect((age == 9_999 ? 1 : OpeningPace.firstMs / 2)...64_000 ~= wait)
    }
  }
}
