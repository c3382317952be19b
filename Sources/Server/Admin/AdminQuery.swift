/// A request's query: `name=value` pairs with `&` between them, percent-encoded as HTML forms
/// encode them.
struct AdminQuery {
  /// Why a query is refused.
  enum Problem: Error, Equatable, CustomStringConvertible {
    case encoding
    case number(name: String, range: ClosedRange<Int>)
    case tooLong(name: String, limit: Int)

    var description: String {
      switch self {
      case .encoding: "the query is not percent-encoded UTF-8"
      case .number(let name, let range):
        "\(name) is a whole number of \(range.lowerBound) to \(range.upperBound)"
      case .tooLong(let name, let limit): "\(name) has more than \(limit) bytes"
      }
    }
  }

  private var values: [String: String] = [:]

  /// Reads a query; nil is an empty one.
  init(_ query: String?) throws(Problem) {
    for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      values[try Self.decoded(parts[0])] = parts.count > 1 ? try Self.decoded(parts[1]) : ""
    }
  }

  /// The whole number of that name, or `standard` where there is none.
  func number(
    _ name: String, default standard: Int, in range: ClosedRange<Int>
  ) throws(Problem) -> Int {
    guard let text = values[name] else { return standard }
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      let number = Int(text), range.contains(number)
    else { throw .number(name: name, range: range) }
    return number
  }

  /// The text of that name; empty where there is none.
  func text(_ name: String, bytesMax: Int) throws(Problem) -> String {
    let text = values[name] ?? ""
    guard text.utf8.count <= bytesMax else { throw .tooLong(name: name, limit: bytesMax) }
    return text
  }

  private static func decoded(_ text: Substring.UTF8View) throws(Problem) -> String {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = digit(rest.popFirst()), let low = digit(rest.popFirst()) else {
          throw .encoding
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .encoding }
    return text
  }

  private static func digit(_ byte: UInt8?) -> UInt8? {
    guard let byte else { return nil }
    return switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
