import SeededRandom
import Terms
import Testing

@testable import Policy

@Suite struct RouteChoiceTests {
  private func model(_ weights: [Int], name: String = "llama3-8b") -> Model {
    Model(
      index: 0, name: name, aliases: [],
      trafficClass: TrafficClass(
        name: "c", latencySensitive: false, streaming: false, retryFriendly: false,
        maxConcurrent: nil),
      routes: weights.enumerated().map {
        ModelRoute(name: HeaderText("r\($0.offset)"), weight: $0.element, upstreamModel: nil)
      }, sticky: .request, paths: nil, requests: ModelRequests(), streamUsage: .inject, prices: nil)
  }

  @Test func `draws fall on routes by their weights`() {
    let model = model([90, 0, 10])
    var random = SeededRandom(1)
    var counts = [0, 0, 0]
    for _ in 0..<100_000 { counts[model.route(draw: random.next())] += 1 }
    // Four standard deviations: 380.
    #expect(abs(counts[0] - 90_000) < 380, "\(counts)")
    #expect(counts[1] == 0)
  }

  @Test func `the draw's ends fall on the first and the last route that has a weight`() {
    let model = model([0, 1, 3, 0])
    #expect(model.route(draw: 0) == 1)
    #expect(model.route(draw: .max) == 2)
    #expect(model.route(draw: 1 << 62 - 1) == 1)
    #expect(model.route(draw: 1 << 62) == 2)
    #expect(self.model([1]).route(draw: .max) == 0)
  }

  /// The values are Python's: int.from_bytes(sha256(b"llama3-8b\0" + key).digest()[:8], "big").
  @Test(
    arguments: [
      ("", 0x2ff0_8d13_6f9b_7e27, 0),
      ("svc:agent-platform", 0x7c15_5505_dd49_f5dd, 0),
      ("user-1", 0x5862_f724_3a20_8c42, 0),
      ("user-2", 0x6ffc_31c4_bf1d_2abc, 0),
      ("user-3", 0x02fc_6288_aba8_4b61, 0),
      ("user-11", 0xa83b_1551_67c7_e00d, 0),
      ("é", 0x6e42_c591_df2a_55c0, 0),
      ("user-36", 0xeb5f_6c55_17b9_fd2d, 1),
    ] as [(String, UInt64, Int)])
  func `a sticky draw is the same in every process`(key: String, draw: UInt64, route: Int) {
    let model = model([90, 10])
    #expect(model.stickyDraw(key: Array(key.utf8).span) == draw)
    #expect(model.route(draw: draw) == route)
  }

  @Test func `sticky keys spread over routes by their weights, and differently for each model`() {
    let (a, b) = (model([50, 50]), model([50, 50], name: "other"))
    var onFirst = 0
    var same = 0
    for user in 0..<4_000 {
      let key = Array("user-\(user)".utf8)
      let (x, y) = (
        a.route(draw: a.stickyDraw(key: key.span)), b.route(draw: b.stickyDraw(key: key.span))
      )
      onFirst += x == 0 ? 1 : 0
      same += x == y ? 1 : 0
    }
    // Five standard deviations: 158.
    #expect(abs(onFirst - 2_000) < 158)
    #expect(abs(same - 2_000) < 158)
  }
}
