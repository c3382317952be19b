// The shape the gateway builds on. Split into files as the pieces grow.

/// Why a body cannot be admitted. Carries places and known names, never the body's text.
package enum BodyProblem: Error, Equatable, Sendable {
  case invalidJSON(offset: Int, reason: Reason)
  case duplicateKey(InspectedKey)
  case invalidValue(InspectedKey)
  /// A multipart body without its form, boundary or end.
  case invalidMultipart(offset: Int)
  package enum Reason: Sendable, Equatable { case syntax, encoding, byteOrderMark, depth, notAnObject, truncated, trailingData }
}

/// The keys that are read (`streamOptions.*` stand inside `stream_options`).
package enum InspectedKey: UInt8, CaseIterable, Sendable {
  case model, stream, streamOptions, maxTokens, maxCompletionTokens, maxOutputTokens, n, bestOf, includeUsage, continuousUsageStats
  /// As it is spelled in JSON: `max_tokens`; `stream_options.include_usage`.
  package var name: String { fatalError("unimplemented") }
}

/// What one pass over a request body found. Ranges are byte offsets in the body.
package struct RequestFacts: Sendable, Equatable {
  /// The value of `model`, unescaped; nil when absent or null.
  package var model: [UInt8]? = nil
  /// Where the value of `model` stands, quotes included (multipart: the field's content).
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
  /// Bytes of text in string values, after unescaping, base64 payloads and data URIs left out.
  package var textBytes = 0
  /// Just after the opening brace: where a member can be inserted; and whether one follows.
  package var firstMemberOffset = 0
  package var hasMembers = false
  package var byteCount = 0
  package init() {}
}

/// Bytes of the body to be replaced, in order, not overlapping.
package struct Splice: Sendable, Equatable {
  package var range: Range<Int>
  package var replacement: [UInt8]
}

/// Reads a JSON request body in one pass, whatever way it is cut. Strict RFC 8259; see `BodyProblem`.
package struct RequestScanner {
  package struct Limits: Sendable { package var depthMax = 256; package var modelBytesMax = 256; package init() {} }
  package init(limits: Limits = Limits()) { fatalError("unimplemented") }
  /// The next bytes. After a problem, further bytes are ignored.
  package mutating func scan(_ bytes: Span<UInt8>) { fatalError("unimplemented") }
  /// The end of the body.
  package mutating func finish() throws(BodyProblem) -> RequestFacts { fatalError("unimplemented") }
}

/// The same for `multipart/form-data` (RFC 7578): reads the form fields `model` and `stream`.
package struct MultipartScanner {
  /// From a content-type value; nil where it is not multipart/form-data with a usable boundary (RFC 2046, 5.1.1).
  package init?(contentType: Span<UInt8>) { fatalError("unimplemented") }
  package mutating func scan(_ bytes: Span<UInt8>) { fatalError("unimplemented") }
  package mutating func finish() throws(BodyProblem) -> RequestFacts { fatalError("unimplemented") }
}

extension RequestFacts {
  /// Replaces the model's value. JSON-escapes the name unless `multipart`.
  package func splice(model name: [UInt8], multipart: Bool) -> Splice? { fatalError("unimplemented") }
  /// Asks for the usage chunk: adds or changes `stream_options.include_usage` (and `continuous_usage_stats`).
  package func splice(usage: Bool, continuous: Bool) -> [Splice] { fatalError("unimplemented") }
}
