import Bytes
import Terms

/// The form of the log: text for people, or JSON for machines.
package enum LogFormat: String, Sendable, CaseIterable {
  case text, json
}

/// One line of the log, and how it is written. It is one line whatever its texts hold.
struct LogLine: Sendable {
  /// The longest message or value; what is over it is cut.
  static let textBytesMax = 8 << 10
  /// How long a line may be before another field is added. Fields that have no room are left out,
  /// and the line says so.
  static let lineBytesMax = 64 << 10

  var level: LogLevel
  var event: LogEvent
  var message: String
  /// In the order in which they are written.
  var fields: [(key: LogKey, value: LogValue)]
  /// When it was logged, in Unix nanoseconds.
  var wallNanoseconds: Int64

  /// A line.
  init(
    _ level: LogLevel, _ event: LogEvent, _ message: String,
    _ fields: [(key: LogKey, value: LogValue)] = [], wallNanoseconds: Int64
  ) {
    self.level = level
    self.event = event
    self.message = message
    self.fields = fields
    self.wallNanoseconds = wallNanoseconds
  }

  /// The line with its newline. With `colours` the level is coloured, for a terminal.
  func rendered(_ format: LogFormat, colours: Bool = false) -> [UInt8] {
    var line = format == .text ? text(colours: colours) : json
    line.append(UInt8(ascii: "\n"))
    return line
  }

  // MARK: Text: `time level message key=value …`, without the event

  private func text(colours: Bool) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(message.utf8.count + 128)
    line.append(contentsOf: UTCTime.string(nanoseconds: wallNanoseconds).utf8)
    line.append(UInt8(ascii: " "))
    if colours { line.append(contentsOf: "\u{1b}[\(level.colour)m".utf8) }
    line.append(contentsOf: level.rawValue.utf8)
    if colours { line.append(contentsOf: "\u{1b}[0m".utf8) }
    line.append(UInt8(ascii: " "))
    LogText.append(message, .plain, to: &line)
    for (key, value) in fields {
      guard line.count < Self.lineBytesMax else {
        line.append(contentsOf: " …".utf8)
        break
      }
      guard value != .null else { continue }
      line.append(contentsOf: " \(key.rawValue)=".utf8)
      switch value {
      case .text(let text): LogText.append(text, .word, to: &line)
      case .integer(let number): line.append(contentsOf: String(number).utf8)
      case .flag(let flag): line.append(contentsOf: String(flag).utf8)
      case .seconds(let duration): line.append(contentsOf: Self.seconds(duration).utf8)
      case .null: break
      case .names(let count, let names): Self.appendNames(count, names, to: &line)
      }
    }
    return line
  }

  /// Appends `3[a,b,c]`, or `90[a,b,…]` where not all names are listed.
  private static func appendNames(_ count: Int, _ names: [String], to line: inout [UInt8]) {
    line.append(contentsOf: "\(count)[".utf8)
    for (index, name) in names.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      LogText.append(name, .word, to: &line)
    }
    if count > names.count { line.append(contentsOf: (names.isEmpty ? "…" : ",…").utf8) }
    line.append(UInt8(ascii: "]"))
  }

  // MARK: JSON (RFC 8259): `time`, `level`, `event`, `message`, then the fields

  private var json: [UInt8] {
    var json = JSONWriter(capacity: message.utf8.count + 256)
    json.object { json in
      json.field("time", UTCTime.string(nanoseconds: wallNanoseconds))
      json.field("level", level.rawValue)
      json.field("event", event.rawValue)
      json.field("message", escaped: { LogText.append(message, .json, to: &$0) })
      for (key, value) in fields {
        guard json.count < Self.lineBytesMax else {
          json.field("truncated", true)
          break
        }
        json.name(any: key.rawValue)
        Self.append(value, to: &json)
      }
    }
    return json.bytes
  }

  /// Text is escaped further than JSON asks for: people read these lines on terminals too.
  private static func append(_ value: LogValue, to json: inout JSONWriter) {
    switch value {
    case .text(let text): json.value(escaped: { LogText.append(text, .json, to: &$0) })
    case .integer(let number): json.value(number)
    case .flag(let flag): json.value(flag)
    case .seconds(let duration): json.value(number: seconds(duration))
    case .null: json.null()
    case .names(let count, let names):
      json.object { json in
        json.field("count", count)
        json.array("names") { json in
          for name in names { json.value(escaped: { LogText.append(name, .json, to: &$0) }) }
        }
      }
    }
  }

  /// `12.034`, or `12` for whole seconds; rounded down to the millisecond, never below 0.
  private static func seconds(_ duration: Duration) -> String {
    let (seconds, rest) = max(.zero, duration).wholeMilliseconds.quotientAndRemainder(
      dividingBy: 1000)
    guard rest != 0 else { return String(seconds) }
    return "\(seconds)." + String(1000 + rest).dropFirst()
  }
}

extension LogLevel {
  /// The level's colour as an SGR parameter (ECMA-48, 8.3.117): grey, the default, yellow, red.
  fileprivate var colour: String {
    switch self {
    case .debug: "90"
    case .info: "0"
    case .warning: "33"
    case .error: "31"
    }
  }
}
