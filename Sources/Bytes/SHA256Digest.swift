/// A SHA-256 digest (FIPS 180-4): 32 bytes, compared and hashed as four words.
package struct SHA256Digest: Hashable, Sendable {
  /// The digest's bytes, big-endian, eight to a word.
  package var words: (UInt64, UInt64, UInt64, UInt64)

  /// The digest of those words.
  package init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// Reads 64 hexadecimal digits of either case; nil for anything else.
  package init?(hex: String) {
    var words: [UInt64] = [0, 0, 0, 0]
    var count = 0
    for byte in hex.utf8 {
      guard count < 64, let digit = Hex.value(byte) else { return nil }
      words[count / 16] = words[count / 16] << 4 | UInt64(digit)
      count += 1
    }
    guard count == 64 else { return nil }
    self.words = (words[0], words[1], words[2], words[3])
  }

  /// The digest as 64 lowercase hexadecimal digits.
  package var hex: String { String(decoding: hexBytes, as: UTF8.self) }

  /// The digest as the 64 ASCII bytes of its lowercase hexadecimal digits.
  package var hexBytes: [UInt8] {
    var digits: [UInt8] = []
    appendHex(to: &digits)
    return digits
  }

  /// Appends the same to bytes.
  package func appendHex(to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: Self.hexCount) { appendHex(to: &$0) }
  }

  /// The length of what `appendHex` appends.
  static let hexCount = 64

  func appendHex(to output: inout OutputSpan<UInt8>) {
    let words: InlineArray<4, UInt64> = [words.0, words.1, words.2, words.3]
    for index in words.indices {
      var word = words[index]
      for _ in 0..<16 {
        output.append(Hex.digit(UInt8(truncatingIfNeeded: word >> 60)))
        word <<= 4
      }
    }
  }

  /// The digest's 32 bytes.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for word in [words.0, words.1, words.2, words.3] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return bytes
  }

  /// Compares all four words whatever the first ones say, so that time tells nothing.
  package static func == (a: Self, b: Self) -> Bool {
    (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2)
      | (a.words.3 ^ b.words.3) == 0
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
  }
}
