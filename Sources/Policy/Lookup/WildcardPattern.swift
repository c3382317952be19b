/// A pattern in which `*` stands for any bytes, also for none.
package struct WildcardPattern: Sendable, Hashable {
  let bytes: [UInt8]

  /// A pattern as the policy writes it: `bge-*`.
  package init(_ pattern: String) { bytes = Array(pattern.utf8) }
  init(bytes: [UInt8]) { self.bytes = bytes }

  var hasWildcard: Bool { bytes.contains(UInt8(ascii: "*")) }

  /// Whether the whole of `text` matches. After a mismatch only the last `*` is tried again, so the time
  /// is at most the product of both lengths.
  func matches(_ text: Span<UInt8>) -> Bool {
    var (inPattern, inText) = (0, 0)
    var retry: (pattern: Int, text: Int)?
    while inText < text.count {
      if inPattern < bytes.count, bytes[inPattern] == UInt8(ascii: "*") {
        retry = (inPattern + 1, inText)
        inPattern += 1
      } else if inPattern < bytes.count, bytes[inPattern] == text[inText] {
        inPattern += 1
        inText += 1
      } else if let last = retry {
        retry = (last.pattern, last.text + 1)
        (inPattern, inText) = (last.pattern, last.text + 1)
      } else {
        return false
      }
    }
    return bytes[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// Whether the whole of `text` matches.
  package func matches(_ text: String) -> Bool { matches(Array(text.utf8).span) }

  /// Whether any text matches both patterns.
  func overlaps(_ other: WildcardPattern) -> Bool {
    // row[j]: whether some text matches both the first i bytes of self and the first j of other.
    let star = UInt8(ascii: "*")
    var row = [true]
    for byte in other.bytes { row.append(row[row.count - 1] && byte == star) }
    for mine in bytes {
      var below = [row[0] && mine == star]
      for (j, theirs) in other.bytes.enumerated() {
        let isReachable =
          (mine == star && (row[j + 1] || below[j])) || (theirs == star && (below[j] || row[j + 1]))
          || (mine == theirs && row[j])
        below.append(isReachable)
      }
      row = below
    }
    return row[row.count - 1]
  }
}
