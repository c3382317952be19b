import Bytes
import Terms

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
  /// What the fields that may bound the answer said.
  package var bounds = BoundReadings()
  /// `n`, the choices asked for: 1...128.
  package var n: Int? = nil
  /// `best_of`: 1...128.
  package var bestOf: Int? = nil
  /// The most choices that `extra_body` or `parameters` ask for; 0 for none.
  package var choicesElsewhere = 0
  /// The largest `max_tool_calls`: how many calls of hosted tools the answer may make; 0 for none.
  package var toolCalls = 0
  /// How many prompts stand in lists of them, each of which gets its own answers; 0 without such a list.
  package var prompts = 0
  /// Bytes of text, after unescaping: of all strings but pictures, sound and files, and of the keys and
  /// literals of objects that no server reads as its own (schemas of tools). Multipart: the bytes of
  /// the fields that are not files.
  package var textBytes = 0
  /// Numbers that are elements of arrays: the tokens of a prompt that is given as token ids.
  package var arrayNumbers = 0
  /// The tokens of pictures, sound and files: see `MediaReading`.
  package var mediaTokens = 0
  /// The members that need the model's `allow_fields`.
  package var guarded: [GuardedMember] = []
  /// The value of `previous_response_id`, unescaped, and with its quotes, or its null.
  package var previousResponseID: [UInt8]? = nil
  package var previousResponseIDRange: Range<Int>? = nil
  /// The id in `conversation`, which is a string or an object with an `id`, unescaped; and the whole
  /// value, or its null.
  package var conversation: [UInt8]? = nil
  package var conversationRange: Range<Int>? = nil
  /// The ids of the items in `input` that only refer to earlier ones (`item_reference`), unescaped.
  package var itemReferences: [[UInt8]] = []
  /// The offset just after the opening brace, where a member can be inserted.
  package var firstMemberOffset = 0
  /// Whether the top-level object has any member: then an inserted one needs a comma behind it.
  package var hasMembers = false
  /// The tier of service that is asked for: `service_tier`, or `fast` where `speed` says so. The dearest
  /// word counts where there are several. Nil for the provider's own choice.
  package var tier: ServiceTier? = nil
  /// The length of the body.
  package var byteCount = 0

  mutating func note(tier word: Span<UInt8>, of key: InspectedKey) {
    let named = ServiceTier(word)
    guard key == .serviceTier || named == .fast, tier != .fast, tier != .priority else { return }
    tier = named
  }
}
