import Bytes

/// The `grpc-message` trailer: percent-encoded UTF-8 (gRPC over HTTP/2, Status-Message).
enum GRPCMessageText {
  /// Longer messages are cut here, before they are encoded.
  static let bytesMax = 1024

  /// Encodes `%` and every byte that is not printable ASCII.
  static func encode(_ message: String) -> [UInt8] {
    var encoded: [UInt8] = []
    for byte in message.utf8.prefix(bytesMax) {
      if byte >= 0x20, byte <= 0x7E, byte != UInt8(ascii: "%") {
        encoded.append(byte)
      } else {
        encoded += [
          UInt8(ascii: "%"), Hex.uppercaseDigit(byte >> 4), Hex.uppercaseDigit(byte & 15),
        ]
      }
    }
    return encoded
  }

  /// Decodes. An escape that is not valid stays as it is.
  static func decode(_ bytes: [UInt8]) -> String {
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let high = Hex.value(bytes[index + 1]), let low = Hex.value(bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}
