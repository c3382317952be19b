@testable import Inference

/// The result of metering a body: the usage, and the bytes that the client gets.
struct Metered: Equatable {
  var usage: MeteredUsage
  var client: [UInt8]

  var text: String { String(decoding: client, as: UTF8.self) }
}

/// Meters a body that comes in pieces, cut at the given places.
func meter(
  _ body: [UInt8], _ format: ResponseFormat, cuts: [Int] = [], status: Int = 200,
  removes: Bool = false, cleanly: Bool = true, marksEnd: Bool = true, isText: Bool = true,
  bodyBytes: Int? = nil
) -> Metered {
  var meter = ResponseMeter(
    .init(
      format: format, status: status, isText: isText, removesUsageChunk: removes,
      bodyBytes: bodyBytes, startedMs: 0))
  var client: [UInt8] = []
  let ends = cuts + [body.count]
  var start = 0
  for (number, end) in ends.enumerated() {
    let piece = body.span.extracting(start..<end)
    let isLast = marksEnd && number == ends.count - 1
    switch meter.consume(piece, nowMs: 0, endOfStream: isLast) {
    case .pass: client += body[start..<end]
    case .replace(let bytes): client += bytes
    }
    start = end
  }
  client += meter.takeHeld()
  return Metered(usage: meter.finish(endedCleanly: cleanly), client: client)
}

/// A stream of these events' data, each followed by an empty line.
func events(_ data: String..., separator: String = "\n") -> [UInt8] {
  Array(data.map { "data: \($0)\(separator)\(separator)" }.joined().utf8)
}

/// The first way of cutting a body for which anything differs: into single bytes, in two at every
/// place, and (of short bodies) in three.
func differingCut(of body: [UInt8], _ outcome: ([Int]) -> Metered) -> [Int]? {
  let whole = outcome([])
  let single = Array(0...body.count)
  if outcome(single) != whole { return single }
  if let cut = (0...body.count).first(where: { outcome([$0]) != whole }) { return [cut] }
  guard body.count <= 120 else { return nil }
  for first in 0...body.count {
    for second in first...body.count where outcome([first, second]) != whole {
      return [first, second]
    }
  }
  return nil
}

/// The data of events of an OpenAI stream.
enum Chunk {
  static let content = #"{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null}"#
  static let both = #"{"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}"#
  static let usage =
    #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#
}
