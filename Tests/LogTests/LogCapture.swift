import Bytes

/// The lines a log was given.
final class LogCapture: Sendable {
  private let text = Locked<[String]>([])

  var append: @Sendable ([UInt8]) -> Void {
    { [text] line in text.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  }

  var all: [String] { text.withLock { $0 } }

  func contains(_ part: String) -> Bool { all.contains { $0.contains(part) } }
}
