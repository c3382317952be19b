import SeededRandom
import StoreModel
import Terms
import Testing

@testable import Quota

/// Shadow limits, raises and warnings where replicas share limits.
struct SharedLimitTests {
  private static let day: Int64 = 86_400_000
  private static let start: Int64 = 1_000 * day

  private func replicas(_ rules: [LimitRule]) -> [Desk] {
    let server = StoreLink.Server()
    let links = [StoreLink(server, ledger: 1), StoreLink(server, ledger: 2)]
    let desks = links.map { _ in Desk(rules) }
    for (desk, link) in zip(desks, links) { desk.share(link, usesLeases: true, at: Self.start) }
    return desks
  }

  private func pump(_ desks: [Desk], at now: Int64) {
    for desk in desks { desk.link!.pump(&desk.table, at: now) }
  }

  @Test(arguments: [1, 7, 30, 60])
  func `exactly one replica tells of a share, by the use of all`(tokens: Int64) {
    let desks = replicas([Limits.budget(.tokens, 1_000, name: "b").with(warnAt: [500, 900])])
    var now = Self.start
    var reached: [ReachedShare] = []
    for step in 0..<(920 / tokens + 1) {
      let desk = desks[Int(step % 2)]
      _ = desk.use(.stated(tokens, 0), at: now)
      now += 1_500
      pump(desks, at: now)
      for desk in desks {
        let found = desk.table.takeReached()
        for one in found { desk.table.told(one) }
        reached += found
      }
    }
    #expect(reached.map(\.share.description) == ["0.5", "0.9"])
    #expect(reached.allSatisfy { $0.share.isReached($0.used, of: 1_000) })
    #expect(reached.allSatisfy { $0.used < $0.share.thousandths + tokens })
    // Whoever was not the first knows of it, too: without the store it would tell nothing again.
    for desk in desks {
      #expect(
        desk.table.reading(ofRule: 0, scopeValue: "", now: now).told == WarningShare("0.9"))
    }
  }

  @Test func `a shadow limit asks nobody, and goes by what was seen last`() {
    let desks = replicas([Limits.budget(.requests, 3, name: "b").shadow])
    let heard = desks[0].link!.server.heard.count
    for desk in desks {
      for _ in 0..<2 {
        #expect(desk.ask(.stated(1, 1), at: Self.start).held.map { settled(desk, $0) } == [])
      }
    }
    // Nobody has heard of the other yet.
    #expect(desks[0].link!.server.heard.count == heard)
    // What is used is stated within a second, and so is what a request was judged by.
    pump(desks, at: Self.start + 1_000)
    for desk in desks {
      _ = desk.ask(.stated(1, 1), at: Self.start + 1_000).held.map { settled(desk, $0) }
    }
    pump(desks, at: Self.start + 2_000)
    pump(desks, at: Self.start + 2_000)
    for desk in desks {
      let held = desk.ask(.stated(1, 1), at: Self.start + 2_000).held
      #expect(held.map { settled(desk, $0) } == ["b"])
      #expect(desk.table.leased(ofRule: 0, scopeValue: "") == 0)
    }
  }

  @Test func `a shadow limit is stated once a second, however often it is used`() {
    let desks = replicas([Limits.bucket(.requests, 1_000_000, name: "b").shadow])
    let server = desks[0].link!.server
    let before = server.heard.reduce(0) { $0 + $1.statements.count }
    for step in 0..<500 {
      _ = desks[0].use(.stated(1, 1), at: Self.start + Int64(step) * 10)
      pump(desks, at: Self.start + Int64(step) * 10)
    }
    let stated = server.heard.reduce(0) { $0 + $1.statements.count } - before
    #expect((4...7).contains(stated), "\(stated)")
  }

  @Test func `a lost store and another process in its place change nothing for a shadow limit`() {
    let desks = replicas([Limits.budget(.requests, 3, name: "b").shadow])
    for partition in 0..<SharedKey.partitions {
      desks[0].table.lost(partition: partition, bootMs: desks[0].link!.boot(Self.start))
    }
    desks[1].table.fenced(by: 9)
    for desk in desks {
      #expect(desk.ask(.stated(1, 1), at: Self.start).held.map { settled(desk, $0) } == [])
    }
  }

  private func settled(_ desk: Desk, _ held: Held) -> [String] {
    _ = desk.settle(held, .used(.tokens(1, 1)), at: Self.start)
    return held.shadowed
  }

  @Test func `what was leased is void at both edges of a raise`() {
    let from = Self.start + 10_000
    let raise = Raise(add: 900, fromMs: from, untilMs: from + 10_000)
    let desks = replicas([Limits.budget(.requests, 100, name: "b").with(raises: [raise])])
    let desk = desks[0]
    for (edge, given) in [(from, 1_000), (from + 10_000, 100)] as [(Int64, Int64)] {
      var now = edge - 60
      while now < edge {
        _ = desk.use(.stated(1, 1), at: now)
        pump(desks, at: now)
        now += 10
      }
      #expect(desk.table.leased(ofRule: 0, scopeValue: "")! > 0)
      pump(desks, at: edge)
      #expect(desk.table.leased(ofRule: 0, scopeValue: "") == 0)
      #expect(desk.table.reading(ofRule: 0, scopeValue: "", now: edge).capacity == given)
    }
  }

  @Test(arguments: 0..<20)
  func `replicas together stay within what the budget gives at each instant`(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let from = Self.start + 5_000
    let raise = Raise(add: 200, fromMs: from, untilMs: from + 5_000)
    let desks = replicas([Limits.budget(.tokens, 300, name: "b").with(raises: [raise])])
    var used: Int64 = 0
    for step in 0..<400 {
      let now = Self.start + Int64(step) * 40
      let tokens = Int64.random(in: 1...20, using: &random)
      let desk = desks[Int.random(in: 0...1, using: &random)]
      let given: Int64 = raise.contains(now) ? 500 : 300
      if desk.use(.stated(tokens, 0), at: now) {
        used += tokens
        #expect(used <= given, "at \(now - from)")
      }
      pump(desks, at: now)
    }
    #expect(used > 300)
  }
}
