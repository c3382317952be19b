import Shipping

/// Reads a target as `--ship` gives it: `otlp://host:4317`, `otlp+unix:/path`, `tcp://host:port` or
/// `stdout`, each with options behind a `?`.
extension ShipTarget {
  /// Why a text is not a target; the description completes "it …".
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownKind
    case hostMissing
    case portMissing
    case portInvalid(String)
    case bracketsMissing(String)
    case hostInvalid(String)
    case pathMissing
    case pathTooLong(bytes: Int)
    case optionUnknown(String)
    case optionRepeated(String)
    case optionInvalid(String, value: String, expected: String)

    package var description: String {
      switch self {
      case .unknownKind:
        "is none of otlp://HOST:PORT, otlp+unix:/PATH, tcp://HOST:PORT and stdout"
      case .hostMissing: "names no host"
      case .portMissing: "has no port: OTLP receivers mostly listen on 4317"
      case .portInvalid(let text): "has the port `\(text)`, which is not a number of 1 to 65535"
      case .bracketsMissing(let host): "needs brackets around an IPv6 address: [\(host)]:port"
      case .hostInvalid(let host): "has the host `\(host)`, which is neither a name nor an address"
      case .pathMissing: "names no absolute path of a socket"
      case .pathTooLong(let bytes):
        "is a path of \(bytes) bytes; a Unix socket's has at most \(SocketAddress.unixPathBytesMax)"
      case .optionUnknown(let name):
        "has an unknown option `\(name)`: there are on_full, batch, bytes, age and timeout"
      case .optionRepeated(let name): "has the option `\(name)` twice"
      case .optionInvalid(let name, let value, let expected):
        "has \(name)=\(value): \(expected) is expected"
      }
    }
  }

  /// The longest host: that of a domain name (RFC 1035, section 2.3.4).
  static let hostBytesMax = 255

  /// Reads a target with its options.
  package init(_ text: String) throws(Problem) {
    let mark = text.firstIndex(of: "?")
    let place = mark.map { text[..<$0] } ?? text[...]
    self.init(try Self.place(String(place)))
    guard let mark else { return }
    var seen: Set<String> = []
    for option in text[text.index(after: mark)...].split(separator: "&") {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard seen.insert(name).inserted else { throw .optionRepeated(name) }
      try set(name, parts.count > 1 ? String(parts[1]) : "")
    }
  }

  private static func place(_ text: String) throws(Problem) -> Place {
    if text == "stdout" { return .standardOutput }
    if text.hasPrefix("otlp://") {
      let (host, port) = try authority(String(text.dropFirst("otlp://".count)))
      return .otlp(host: host, port: port)
    }
    if text.hasPrefix("tcp://") {
      let (host, port) = try authority(String(text.dropFirst("tcp://".count)))
      return .tcp(host: host, port: port)
    }
    if text.hasPrefix("otlp+unix:") {
      let path = String(text.dropFirst("otlp+unix:".count))
      guard path.hasPrefix("/"), path.utf8.count > 1, !path.utf8.contains(0) else {
        throw .pathMissing
      }
      guard path.utf8.count <= SocketAddress.unixPathBytesMax else {
        throw .pathTooLong(bytes: path.utf8.count)
      }
      return .otlpUnix(path: path)
    }
    throw .unknownKind
  }

  private static func authority(_ text: String) throws(Problem) -> (String, UInt16) {
    // A slash behind the port, as in URLs, is accepted.
    let text = text.hasSuffix("/") ? String(text.dropLast()) : text
    guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
      if text.isEmpty { throw .hostMissing }
      throw .portMissing
    }
    var host = String(text[..<colon])
    let portText = String(text[text.index(after: colon)...])
    guard portText.utf8.count <= 5, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = UInt16(portText), port > 0
    else { throw .portInvalid(portText) }
    if host.isEmpty { throw .hostMissing }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
      guard host.contains(":"), SocketAddress(literal: host, port: port) != nil else {
        throw .hostInvalid(host)
      }
      return (host, port)
    }
    if host.contains(":") { throw .bracketsMissing(host) }
    guard host.utf8.count <= hostBytesMax, host.utf8.allSatisfy(isHostByte) else {
      throw .hostInvalid(host)
    }
    return (host, port)
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private mutating func set(_ name: String, _ value: String) throws(Problem) {
    switch name {
    case "on_full":
      onFull = try Self.read(name, value, "hold or drop") { OnFull(rawValue: $0) }
    case "batch":
      batch.recordsMax = try Self.read(name, value, "a number of 1 to 8192") { text in
        text.utf8.allSatisfy { (0x30...0x39).contains($0) }
          ? Int(text).flatMap { (1...8192).contains($0) ? $0 : nil } : nil
      }
    case "bytes":
      batch.bytesMax = try Self.read(name, value, "a size of 1KiB to 64MiB") { text in
        ByteSizeText.parse(text).flatMap { ((1 << 10)...(64 << 20)).contains($0) ? $0 : nil }
      }
    case "age":
      batch.ageMax = try Self.read(name, value, "a duration of 0s to 60s") { text in
        DurationText.parse(text).flatMap { $0 <= .seconds(60) ? $0 : nil }
      }
    case "timeout":
      timeout = try Self.read(name, value, "a duration of 100ms to 300s") { text in
        DurationText.parse(text).flatMap {
          $0 >= .milliseconds(100) && $0 <= .seconds(300) ? $0 : nil
        }
      }
    default: throw .optionUnknown(name)
    }
  }

  private static func read<Value>(
    _ name: String, _ value: String, _ expected: String, _ convert: (String) -> Value?
  ) throws(Problem) -> Value {
    guard let read = convert(value) else {
      throw .optionInvalid(name, value: value, expected: expected)
    }
    return read
  }
}
