import Glibc

/// Reads request bodies from standard input and prints what the scanner makes of each.
///
/// A body comes as four bytes of length, big-endian, and the bytes. For each a line of JSON goes to
/// standard output: the facts, or the problem; and under `cut` where the answer changed when the
/// body came in pieces, which must never be. Short bodies are cut at every place, long ones at some.
@main
struct ScanBodies {
  /// Bodies up to this length are cut at every place.
  static let everyCutMax = 600
  /// How many places are tried in longer ones.
  static let cutsTried = 24

  static func main() throws {
    var numbers = SystemRandomNumberGenerator()
    while let header = read(4) {
      let length = header.reduce(0) { $0 << 8 | Int($1) }
      guard let body = read(length) else { exit(2) }
      var line = Answer(body, cuts: []).line
      if let cut = differingCut(body, using: &numbers) { line += ",\"cut\":\(cut)" }
      print("{\(line)}")
    }
  }

  /// Where the scanner answered differently, if anywhere.
  private static func differingCut(
    _ body: [UInt8], using numbers: inout SystemRandomNumberGenerator
  ) -> [Int]? {
    let whole = Answer(body, cuts: [])
    let single = Array(0...body.count)
    if Answer(body, cuts: single) != whole { return single }
    let tried =
      body.count <= everyCutMax
      ? single : (0..<cutsTried).map { _ in Int.random(in: 0...body.count, using: &numbers) }
    for cut in tried where Answer(body, cuts: [cut]) != whole { return [cut] }
    let few = (0..<5).map { _ in Int.random(in: 0...body.count, using: &numbers) }.sorted()
    return Answer(body, cuts: few) == whole ? nil : few
  }

  /// Exactly so many bytes of standard input; nil at its end.
  private static func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(0, buffer.baseAddress! + filled, count - filled)
      }
      guard got > 0 else { return nil }
      filled += got
    }
    return bytes
  }
}
