/// A pattern for identities of client certificates (URI SANs). `*` stands for any characters but `/`; a
/// segment with a `*` does not match an empty one.
struct PrincipalPattern: Sendable {
  let text: String
  /// The patterns of the segments between slashes.
  private let segments: [WildcardPattern]
  /// The text up to and with the last slash before the first `*`; the whole text where there is no `*`.
  let literalPrefix: [UInt8]
  let isExact: Bool

  init(_ text: String) {
    self.text = text
    let bytes = Array(text.utf8)
    segments = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { WildcardPattern(bytes: Array($0)) }
    let star = bytes.firstIndex(of: UInt8(ascii: "*"))
    isExact = star == nil
    let head = bytes[..<(star ?? bytes.count)]
    literalPrefix =
      star == nil
      ? bytes : Array(head[...(head.lastIndex(of: UInt8(ascii: "/")) ?? -1)])
  }

  /// Whether all of `uri` matches.
  func matches(_ uri: Span<UInt8>) -> Bool {
    var segment = 0
    var start = 0
    for at in 0...uri.count where at == uri.count || uri[at] == UInt8(ascii: "/") {
      guard segment < segments.count else { return false }
      let pattern = segments[segment]
      if at == start, !pattern.bytes.isEmpty { return false }
      guard pattern.matches(uri.extracting(start..<at)) else { return false }
      segment += 1
      start = at + 1
    }
    return segment == segments.count
  }

  /// Whether any identity matches both patterns.
  func overlaps(_ other: PrincipalPattern) -> Bool {
    guard segments.count == other.segments.count else { return false }
    return zip(segments, other.segments).allSatisfy { $0.overlaps($1) }
  }
}
