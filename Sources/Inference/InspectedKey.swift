/// The keys of a request body whose values are read. `includeUsage` and `continuousUsageStats` are
/// members of `stream_options`, the others of the top-level object.
package enum InspectedKey: UInt8, CaseIterable, Sendable {
  case model, stream, streamOptions, maxTokens, maxCompletionTokens, maxOutputTokens, n, bestOf
  case includeUsage, continuousUsageStats

  /// The key as its object has it: `max_tokens`; `include_usage`.
  var member: String {
    switch self {
    case .model: "model"
    case .stream: "stream"
    case .streamOptions: "stream_options"
    case .maxTokens: "max_tokens"
    case .maxCompletionTokens: "max_completion_tokens"
    case .maxOutputTokens: "max_output_tokens"
    case .n: "n"
    case .bestOf: "best_of"
    case .includeUsage: "include_usage"
    case .continuousUsageStats: "continuous_usage_stats"
    }
  }

  /// The key with its path, as refusals name it: `max_tokens`; `stream_options.include_usage`.
  package var name: String {
    switch self {
    case .includeUsage, .continuousUsageStats: "stream_options." + member
    case .model, .stream, .streamOptions, .maxTokens, .maxCompletionTokens, .maxOutputTokens, .n,
      .bestOf:
      member
    }
  }
}
