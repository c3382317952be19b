import Bytes

/// A line of the files in which response ids are kept: the id's hash, the tokens, the tenant, the route
/// and a check, with a space between them.
///
///     0123456789abcdef0123456789abcdef 120 tenant-a chat-v1 89abcdef
///
/// Each line can be read for itself: of a file that is damaged, every whole line is used. The check is the
/// first half word of the SHA-256 of all before it.
package enum ResponseIDLine {
  /// The most bytes of a line, without its end; a longer one is damaged.
  package static let bytesMax = 512
  private static let hashBytes = 32
  private static let checkBytes = 8

  /// Appends a line and its end. A name with a space or a control character, which no policy has, is not
  /// written.
  package static func append(_ known: KnownResponse, to bytes: inout [UInt8]) {
    guard isName(known.tenant), isName(known.route) else { return }
    let start = bytes.count
    hex(known.id.high, to: &bytes)
    hex(known.id.low, to: &bytes)
    bytes += " \(known.tokens) \(known.tenant) \(known.route) ".utf8
    guard bytes.count - start <= bytesMax - checkBytes else {
      bytes.removeLast(bytes.count - start)
      return
    }
    let check = check(of: bytes.span.extracting(start..<bytes.count))
    hex(check, digits: checkBytes, to: &bytes)
    bytes.append(0x0A)
  }

  /// What a line says; nil where it is not whole.
  package static func read(_ line: Span<UInt8>) -> KnownResponse? {
    guard line.count <= bytesMax, line.count > hashBytes + checkBytes else { return nil }
    let end = line.count - checkBytes
    guard number(line.extracting(end..<line.count)) == check(of: line.extracting(0..<end)),
      let high = number(line.extracting(0..<16)), let low = number(line.extracting(16..<32))
    else { return nil }
    let text = String(decoding: line.extracting(32..<end).copy(), as: UTF8.self)
    let fields = text.split(separator: " ", omittingEmptySubsequences: false)
    // Empty ones before the first and behind the last.
    guard fields.count == 5, let tokens = Int64(fields[1]), tokens >= 0 else { return nil }
    return KnownResponse(
      id: ResponseID(high: high, low: low), tenant: String(fields[2]), route: String(fields[3]),
      tokens: tokens)
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
  }

  private static func check(of bytes: Span<UInt8>) -> UInt64 {
    SHA256.digest(of: bytes).words.0 >> 32
  }

  private static func hex(_ value: UInt64, digits: Int = 16, to bytes: inout [UInt8]) {
    for digit in (0..<digits).reversed() {
      bytes.append(Hex.digit(UInt8(truncatingIfNeeded: value >> UInt64(digit * 4)) & 15))
    }
  }

  private static func number(_ digits: Span<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for index in digits.indices {
      guard let value = Hex.value(digits[index]) else { return nil }
      number = number << 4 | UInt64(value)
    }
    return number
  }
}
