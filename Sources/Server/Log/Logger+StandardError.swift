import Foundation
import Log
import Terms

/// The log on stderr.
extension Logger {
  /// A log whose lines go to stderr.
  package convenience init(level: LogLevel, format: LogFormat, colours: Bool = false) {
    self.init(level: level, format: format, colours: colours, write: Self.writeToStandardError)
  }

  /// Whether stderr is a terminal that shows colours. Not where `NO_COLOR` is set (no-color.org),
  /// or where `TERM` is unset or `dumb`.
  package static var isStandardErrorColourful: Bool {
    let environment = ProcessInfo.processInfo.environment
    return Kernel.isTerminal(2) && environment["NO_COLOR", default: ""].isEmpty
      && environment["TERM", default: "dumb"] != "dumb"
  }

  /// Writes a line to descriptor 2; what cannot be written is lost.
  private static func writeToStandardError(_ line: [UInt8]) {
    var start = 0
    while start < line.count {
      guard let count = try? Kernel.write(2, line, from: start) else { return }
      start += count
    }
  }
}
