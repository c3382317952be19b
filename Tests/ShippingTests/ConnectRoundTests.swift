import Shipping
import Testing

/// A name's addresses, tried in turn.
@Suite struct ConnectRoundTests {
  private func round(
    _ addresses: [String], turn: Int = 0, seconds: Int64 = 10
  ) -> ConnectRound<String> {
    ConnectRound(addresses, turn: turn, timeout: .seconds(seconds), nowMs: 1_000)
  }

  /// Each address with the time that it is given up at, where none answers.
  private func run(_ round: ConnectRound<String>) -> [(String, Int64)] {
    var round = round
    var result: [(String, Int64)] = []
    var now: Int64 = 1_000
    while let address = round.next(nowMs: now) {
      now = round.giveUpMs
      result.append((address, now))
    }
    return result
  }

  @Test func `One address has the whole time`() {
    let tried = run(round(["a"]))
    #expect(tried.map(\.0) == ["a"] && tried.map(\.1) == [11_000])
  }

  @Test func `Of several each has two seconds, and the last one what is left`() {
    let tried = run(round(["a", "b", "c"]))
    #expect(tried.map(\.0) == ["a", "b", "c"])
    #expect(tried.map(\.1) == [3_000, 5_000, 11_000])
  }

  @Test func `Where the time is short, each has its share of it`() {
    #expect(run(round(["a", "b", "c", "d"], seconds: 1)).map(\.1) == [1_250, 1_500, 1_750, 2_000])
    #expect(run(round(["a", "b"], seconds: 4)).map(\.1) == [3_000, 5_000])
    // One over: its share is below the bound.
    #expect(run(round(["a", "b"], seconds: 3)).map(\.1) == [2_500, 4_000])
  }

  @Test func `What one address did not use is the others'`() {
    var refused = round(["a", "b", "c"], seconds: 3)
    #expect(refused.next(nowMs: 1_000) == "a" && refused.giveUpMs == 2_000)
    #expect(refused.next(nowMs: 1_000) == "b" && refused.giveUpMs == 2_500)
    #expect(refused.next(nowMs: 1_001) == "c" && refused.giveUpMs == 4_000)
    #expect(refused.next(nowMs: 1_002) == nil)
  }

  @Test(arguments: [(0, "abc"), (1, "bca"), (2, "cab"), (3, "abc"), (1 << 40, "bca")])
  func `It begins behind what was given up, round and round`(turn: Int, order: String) {
    #expect(run(round(["a", "b", "c"], turn: turn)).map(\.0).joined() == order)
  }

  @Test func `A round has so many addresses, and a name with more gets to them all`() {
    let max = ShippingLimits.addressesMax
    for count in [max, max + 1] {
      let addresses = (0..<count).map(String.init)
      #expect(run(round(addresses)).map(\.0) == Array(addresses.prefix(max)))
      #expect(run(round(addresses, turn: count - 1)).map(\.0).first == "\(count - 1)")
    }
  }

  @Test func `Without addresses there is nothing to try`() {
    #expect(run(round([])).isEmpty)
    // A resolver that took longer than the whole attempt leaves nothing, and traps nothing.
    var late = round(["a", "b"])
    #expect(late.next(nowMs: 99_000) == "a" && late.giveUpMs == 99_000)
  }
}
