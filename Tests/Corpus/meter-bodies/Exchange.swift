import Bytes
import Inference

/// One recorded exchange, metered whole and in pieces.
struct Exchange {
  /// Of a longer body not every place is cut in two.
  private static let cutsMax = 4000

  var format: ResponseFormat
  var status: Int
  var request: [UInt8]
  var response: [UInt8]

  private struct Outcome: Equatable {
    var usage: MeteredUsage
    var client: [UInt8]
  }

  private func outcome(cuts: [Int], removes: Bool) -> Outcome {
    var meter = ResponseMeter(
      .init(format: format, status: status, removesUsageChunk: removes, startedMs: 0))
    var client: [UInt8] = []
    var start = 0
    for end in cuts + [response.count] {
      switch meter.consume(
        response.span.extracting(start..<end), nowMs: 0, endOfStream: end == response.count)
      {
      case .pass: client += response[start..<end]
      case .replace(let bytes): client += bytes
      }
      start = end
    }
    return Outcome(usage: meter.finish(endedCleanly: true), client: client)
  }

  /// How many ways of cutting were tried, and the first for which anything differs.
  private func differingCut(from whole: Outcome, removes: Bool) -> (tried: Int, cut: [Int]?) {
    let single = Array(0..<response.count)
    if outcome(cuts: single, removes: removes) != whole { return (1, single) }
    let step = max(1, response.count / Self.cutsMax)
    var tried = 1
    for place in stride(from: 0, through: response.count, by: step) {
      tried += 1
      if outcome(cuts: [place], removes: removes) != whole { return (tried, [place]) }
    }
    return (tried, nil)
  }

  /// As a JSON object.
  var line: String {
    func text(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "null" }
    let plain = outcome(cuts: [], removes: false)
    let removed = outcome(cuts: [], removes: true)
    let cuts = differingCut(from: plain, removes: false)
    let removedCuts = differingCut(from: removed, removes: true)
    var scanner = RequestScanner()
    scanner.scan(request.span)
    let facts = try? scanner.finish()
    let usage = plain.usage
    let members = [
      "\"prompt\":\(text(usage.prompt))", "\"completion\":\(text(usage.completion))",
      "\"total\":\(text(usage.total))", "\"cached\":\(text(usage.cachedPrompt))",
      "\"cache_creation\":\(text(usage.cacheWritePrompt))",
      "\"reasoning\":\(text(usage.reasoning))", "\"source\":\"\(usage.source)\"",
      "\"finish\":\(usage.finish.map { "\"\($0)\"" } ?? "null")", "\"ended\":\(usage.sawEnd)",
      "\"error\":\(usage.sawError)", "\"first_content\":\(usage.ttftMs != nil)",
      "\"output_bytes\":\(usage.outputBytes)",
      "\"text_bytes\":\(text(facts?.textBytes))",
      "\"unchanged\":\(plain.client == response)",
      "\"same_usage\":\(removed.usage == usage)",
      "\"client\":\"\(Hex.string(of: removed.client))\"",
      "\"cuts\":\(cuts.tried + removedCuts.tried)",
      "\"differing_cut\":\(text(cuts.cut?.prefix(4) ?? removedCuts.cut?.prefix(4)))",
    ]
    return "{\(members.joined(separator: ","))}"
  }
}
