/// One file of a policy: its bytes, and the line and column of each.
struct SourceText: Sendable {
  let name: String
  let bytes: [UInt8]
  /// The offsets at which lines begin. A line ends with LF, CR or CR LF.
  private let lineStarts: [Int]

  init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == UInt8(ascii: "\n") {
        starts.append(at)
      } else if byte == UInt8(ascii: "\r") {
        if at < bytes.count, bytes[at] == UInt8(ascii: "\n") { at += 1 }
        starts.append(at)
      }
    }
    lineStarts = starts
  }

  /// The line and column of a byte, both from 1. A column is a Unicode scalar; a byte order mark does not
  /// count.
  func position(of offset: Int) -> (line: Int, column: Int) {
    var (low, high) = (0, lineStarts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    var column = 1
    for at in lineStarts[low]..<min(offset, bytes.count) where bytes[at] & 0xc0 != 0x80 {
      column += 1
    }
    if low == 0, offset >= 3, bytes.starts(with: [0xef, 0xbb, 0xbf]) { column -= 1 }
    return (low + 1, column)
  }

  /// The offset of the first byte that is not UTF-8 (RFC 3629); nil where all of it is.
  var firstInvalidUTF8: Int? {
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      if byte < 0x80 {
        at += 1
        continue
      }
      let length =
        switch byte {
        case 0xc2...0xdf: 2
        case 0xe0...0xef: 3
        case 0xf0...0xf4: 4
        default: 0
        }
      guard length > 0, at + length <= bytes.count, isContinued(at, length) else { return at }
      at += length
    }
    return nil
  }

  private func isContinued(_ at: Int, _ length: Int) -> Bool {
    // The second byte's range rules out overlong forms, surrogates and what is past U+10FFFF.
    let second: ClosedRange<UInt8> =
      switch bytes[at] {
      case 0xe0: 0xa0...0xbf
      case 0xed: 0x80...0x9f
      case 0xf0: 0x90...0xbf
      case 0xf4: 0x80...0x8f
      default: 0x80...0xbf
      }
    guard second.contains(bytes[at + 1]) else { return false }
    return (2..<max(length, 2)).allSatisfy { bytes[at + $0] & 0xc0 == 0x80 }
  }
}
