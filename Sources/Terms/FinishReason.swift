/// Why the model stopped. The providers' own values are mapped onto these; the raw value stands in
/// records.
package enum FinishReason: String, Sendable, CaseIterable {
  case stop, length
  case toolCalls = "tool_calls"
  case contentFilter = "content_filter"
  case failed = "error"
  case incomplete, other
}
