/// What one pass over a request body found. Ranges are byte offsets in the body.
package struct RequestFacts: Sendable, Equatable {
  /// The value of `model`, unescaped; nil when absent or null.
  package var model: [UInt8]? = nil
  /// Where the value of `model` stands, quotes included, or its null (multipart: the content).
  package var modelRange: Range<Int>? = nil
  package var stream: Bool? = nil
  package var streamRange: Range<Int>? = nil
  /// Where the value of `stream_options` stands (an object, or null), and what is in it.
  package var streamOptionsRange: Range<Int>? = nil
  package var streamOptionsIsObject = false
  package var streamOptionsIsEmpty = true
  package var includeUsage: Bool? = nil
  package var includeUsageRange: Range<Int>? = nil
  package var continuousUsageStats: Bool? = nil
  package var continuousUsageStatsRange: Range<Int>? = nil
  /// The largest stated output bound, if any.
  package var outputBound: Int? = nil
  package var n: Int? = nil
  package var bestOf: Int? = nil
  /// Bytes of text in string values, after unescaping; base64 payloads and data URIs left out
  /// (see `TextTally`). Multipart: the bytes of the fields that are not files.
  package var textBytes = 0
  /// Numbers that are elements of arrays: where a prompt is given as tokens, this many.
  package var arrayNumbers = 0
  /// Just after the opening brace: where a member can be inserted; and whether one follows.
  package var firstMemberOffset = 0
  package var hasMembers = false
  package var byteCount = 0

  package init() {}
}
