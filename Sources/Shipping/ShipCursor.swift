import Bytes

/// How far a target has acknowledged a ledger's records, and the file that keeps it: one line of
/// JSON that ends with the SHA-256 of what is before it, so that a damaged file is noticed.
package struct ShipCursor: Equatable, Sendable {
  /// The format's number in the file; a file with a larger one is refused.
  package static let format = 1
  /// The most bytes that are read of a file.
  package static let bytesMax = 4096

  /// Why a file cannot be used as the target's cursor.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case damaged
    case newerFormat(Int)

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
  package var bytes: [UInt8] { Self.sealed(Self.head(target, format: Self.format) + "\(seq)") }

  /// Reads the file of `target`.
  package init(_ bytes: [UInt8], target: String) throws(Problem) {
    let prefix = Array("{\"format\":".utf8)
    guard bytes.starts(with: prefix),
      let format = Self.number(bytes[prefix.count...])
    else { throw .damaged }
    let head = Array(Self.head(target, format: Self.format).utf8)
    if format > Self.format {
      // A number that damage made up is none.
      guard Self.isSealed(bytes) else { throw .damaged }
      throw .newerFormat(Int(format))
    }
    guard bytes.starts(with: head), let seq = Self.number(bytes[head.count...]) else {
      throw .damaged
    }
    self.init(target: target, seq: seq)
    // What is written for this place is what must stand there, byte for byte.
    guard self.bytes == bytes else { throw .damaged }
  }

  private static func head(_ target: String, format: Int) -> String {
    var quoted = ""
    for scalar in target.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\" + String(scalar)
      case _ where scalar.value < 0x20:
        quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return "{\"format\":\(format),\"target\":\"\(quoted)\",\"seq\":"
  }

  private static func sealed(_ content: String) -> [UInt8] {
    let bytes = Array(content.utf8)
    return bytes + sealMark + SHA256.digest(of: bytes.span).hexBytes + Array("\"}\n".utf8)
  }

  private static let sealMark = Array(",\"sha256\":\"".utf8)

  private static func isSealed(_ bytes: [UInt8]) -> Bool {
    let sealBytes = sealMark.count + 64 + 3
    guard bytes.count > sealBytes else { return false }
    let content = String(decoding: bytes.dropLast(sealBytes), as: UTF8.self)
    return sealed(content) == bytes
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
    let digits = bytes.prefix(20).prefix { (0x30...0x39).contains($0) }
    return Int64(String(decoding: digits, as: UTF8.self))
  }
}
