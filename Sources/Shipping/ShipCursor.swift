import Bytes

/// How far a target has acknowledged a ledger's records, and the file that keeps it: one line of
/// JSON that ends with the SHA-256 of what is before it, so that a damaged file is noticed.
package struct ShipCursor: Equatable, Sendable {
  /// The format's number in the file; a file with a larger one is refused.
  package static let format: Int64 = 1
  /// The most bytes that are read of a file.
  package static let bytesMax = 4096

  /// Why a file cannot be used as the target's cursor.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case damaged
    case newerFormat(Int64)

    package var description: String {
      switch self {
      case .damaged: "it is damaged"
      case .newerFormat(let number):
        "it has format \(number); this version reads up to \(ShipCursor.format)"
      }
    }
  }

  /// The target's description, without options.
  package var target: String
  /// The last record that the target has, or that it will never get; 0 before the first.
  package var seq: Int64

  /// A cursor of `target` behind the record `seq`.
  package init(target: String, seq: Int64) {
    self.target = target
    self.seq = seq
  }

  /// The name of a target's file: a hash, because targets hold characters that file names cannot.
  package static func fileName(of target: String) -> String {
    String(decoding: SHA256.digest(of: Array(target.utf8).span).hexBytes.prefix(16), as: UTF8.self)
      + ".cursor"
  }

  /// The whole file.
  package var bytes: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.field("format", Self.format)
    json.field("target", target)
    json.field("seq", seq)
    return Self.sealed(json.bytes)
  }

  /// Reads the file of `target`.
  package init(_ bytes: [UInt8], target: String) throws(Problem) {
    // The seal first: a number that damage made up is none.
    guard let content = Self.unsealed(bytes) else { throw .damaged }
    let format = try Self.format(content)
    guard format <= Self.format else { throw .newerFormat(format) }
    guard case .object(let members)? = try? JSONValue(content + [UInt8(ascii: "}")], Self.rules),
      members.map(\.name) == ["format", "target", "seq"], format == Self.format,
      case .string(let name) = members[1].value, name.utf8.elementsEqual(target.utf8),
      case .number(let text) = members[2].value,
      let seq = Int64(text), seq >= 0
    else { throw .damaged }
    self.init(target: target, seq: seq)
  }

  private static let rules = JSONReader.Rules(depthMax: 1, valuesMax: 4, isCompact: true)

  /// The first member, which is a newer format's first too; what that says else is unknown.
  private static func format(_ content: [UInt8]) throws(Problem) -> Int64 {
    var reader = JSONReader(content, rules)
    guard (try? reader.next()) == .object, (try? reader.nextName()) == "format",
      case .number(let text)? = try? reader.next(), let format = Int64(text)
    else { throw .damaged }
    return format
  }

  // MARK: Seal

  private static let sealMark = Array(",\"sha256\":\"".utf8)
  private static let sealEnd = Array("\"}\n".utf8)

  /// `content`, an object that is not closed yet, with its digest.
  private static func sealed(_ content: [UInt8]) -> [UInt8] {
    content + sealMark + SHA256.digest(of: content.span).hexBytes + sealEnd
  }

  /// What was sealed; nil where a byte of it is another.
  private static func unsealed(_ bytes: [UInt8]) -> [UInt8]? {
    let content = Array(bytes.dropLast(sealMark.count + 64 + sealEnd.count))
    return sealed(content) == bytes ? content : nil
  }
}
