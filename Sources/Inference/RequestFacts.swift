/// What one pass over a request body found: the result of `RequestScanner` and `MultipartScanner`.
/// Ranges are byte offsets in the body. Nil where the body does not have the member, or has null.
package struct RequestFacts: Sendable, Equatable {
  /// The value of `model`, unescaped: UTF-8 without control characters.
  package var model: [UInt8]? = nil
  /// The value of `model` with its quotes, or its null. Multipart: the content of the field.
  package var modelRange: Range<Int>? = nil
  /// The value of `stream`.
  package var stream: Bool? = nil
  /// The value of `stream`, or its null.
  package var streamRange: Range<Int>? = nil
  /// The value of `stream_options`: an object with its braces, or null.
  package var streamOptionsRange: Range<Int>? = nil
  /// Whether `stream_options` is an object; false where it is null or absent.
  package var streamOptionsIsObject = false
  /// Whether `stream_options` has no members.
  package var streamOptionsIsEmpty = true
  /// `stream_options.include_usage`
  package var includeUsage: Bool? = nil
  /// The value of `include_usage`, or its null.
  package var includeUsageRange: Range<Int>? = nil
  /// `stream_options.continuous_usage_stats` (vLLM, SGLang)
  package var continuousUsageStats: Bool? = nil
  /// The value of `continuous_usage_stats`, or its null.
  package var continuousUsageStatsRange: Range<Int>? = nil
  /// The largest of `max_tokens`, `max_completion_tokens` and `max_output_tokens`, in tokens: 1...2³¹.
  package var outputBound: Int? = nil
  /// `n`, the choices asked for: 1...128.
  package var n: Int? = nil
  /// `best_of`: 1...128.
  package var bestOf: Int? = nil
  /// Bytes of text in all string values, after unescaping; base64 payloads and data URIs do not count
  /// (see `TextTally`). Multipart: the bytes of the fields that are not files.
  package var textBytes = 0
  /// Numbers that are elements of arrays: the tokens of a prompt that is given as token ids.
  package var arrayNumbers = 0
  /// The value of `previous_response_id`, unescaped.
  package var previousResponseID: [UInt8]? = nil
  /// The id in `conversation`, which is a string or an object with an `id`, unescaped.
  package var conversation: [UInt8]? = nil
  /// The ids of the items in `input` that only refer to earlier ones (`item_reference`), unescaped.
  package var itemReferences: [[UInt8]] = []
  /// The offset just after the opening brace, where a member can be inserted.
  package var firstMemberOffset = 0
  /// Whether the top-level object has any member: then an inserted one needs a comma behind it.
  package var hasMembers = false
  /// The length of the body.
  package var byteCount = 0
}
