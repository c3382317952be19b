import StoreModel
import Terms
import Testing

@testable import Quota

/// Use beyond the reservation, where limits are shared: it counts for all, however late it comes.
struct SharedDebtTests {
  /// Two replicas of one bucket: 100 tokens, refilled in a minute.
  private struct Pair {
    static let start: Int64 = 1_000_000_000_000
    let one = Desk([Limits.bucket(.tokens, 100)])
    let other = Desk([Limits.bucket(.tokens, 100)])

    init() {
      let server = StoreLink.Server()
      one.share(StoreLink(server, ledger: 1), usesLeases: false, at: Self.start)
      other.share(StoreLink(server, ledger: 2), usesLeases: false, at: Self.start)
    }
  }

  @Test(arguments: [1, 60, 61, 75, 600, 4_000, 90_000])
  func `an exchange that ends after the store forgot its bucket still owes`(seconds: Int64) throws {
    let pair = Pair()
    let held = try #require(pair.one.ask(.stated(40, 0), at: Pair.start).held)
    pair.one.link?.pump(&pair.one.table, at: Pair.start + 1_000)
    let now = Pair.start + seconds * 1_000
    _ = pair.one.settle(held, .used(.tokens(90, 0)), at: now)
    pair.one.link?.pump(&pair.one.table, at: now)
    let left = max(0, min(100, 60 + seconds * 100 / 60) - 50)
    #expect(!pair.other.use(.stated(left + 1, 0), at: now))
    #expect(pair.other.use(.stated(left, 0), at: now + 1_000))
  }

  @Test func `what several exchanges owe after a long while is stated once each`() throws {
    let pair = Pair()
    var open: [Held] = []
    for _ in 0..<3 { open.append(try #require(pair.one.ask(.stated(10, 0), at: Pair.start).held)) }
    var now = Pair.start + 7_200_000
    for held in open {
      _ = pair.one.settle(held, .used(.tokens(40, 0)), at: now)
      pair.one.link?.pump(&pair.one.table, at: now)
    }
    #expect(!pair.other.use(.stated(11, 0), at: now))
    now += 1_000
    #expect(pair.other.use(.stated(11, 0), at: now))
  }

  @Test func `what comes back to a bucket that the store forgot adds nothing to a full one`() throws
  {
    let pair = Pair()
    let held = try #require(pair.one.ask(.stated(90, 0), at: Pair.start).held)
    let now = Pair.start + 7_200_000
    _ = pair.one.settle(held, .used(.tokens(0, 0)), at: now)
    pair.one.link?.pump(&pair.one.table, at: now + 1_000)
    #expect(pair.other.use(.stated(100, 0), at: now + 1_000))
    #expect(!pair.one.use(.stated(3, 0), at: now + 1_000))
  }
}
