import Inference
import Ledger
import Policy
import Terms

/// The most tokens that an exchange is charged, whatever its backend reports: a backend that lies, or
/// counts in another unit, must not empty a month with one answer.
struct UsageCap: Sendable, Equatable {
  /// How often the bound of the answer may be used: reasoning that the client's bound does not count
  /// is honest, and so are servers that count a little differently.
  static let boundTimes = 2

  var promptTokens: Int
  var completionTokens: Int
}

extension RequestSize {
  /// What this request can be charged at the most: of the prompt what the model can read, of the answer
  /// twice what was stated, or else what the model can write, for each choice.
  var cap: UsageCap {
    let context = contextTokens ?? ModelRequests.contextTokensDefault
    let bound = max(statedBound ?? maxOutputTokens ?? context, raisedBound ?? 0)
    let each = Int128(bound) * Int128(UsageCap.boundTimes)
    return UsageCap(
      promptTokens: context, completionTokens: Int(clamping: each * Int128(max(1, choices))))
  }
}

extension MeteredUsage {
  /// Cuts what is above the cap, and the parts to what is left of their whole. Returns what was cut off
  /// prompt and completion; nil where nothing was.
  mutating func cut(to cap: UsageCap) -> DisputedUsage? {
    let before = (prompt: prompt ?? 0, completion: completion ?? 0)
    prompt = prompt.map { min($0, cap.promptTokens) }
    completion = completion.map { min($0, cap.completionTokens) }
    // No count is negative or above `Int.max`: no difference overflows.
    let disputed = DisputedUsage(
      promptTokens: Int64(before.prompt - (prompt ?? 0)),
      completionTokens: Int64(before.completion - (completion ?? 0)))
    if let prompt {
      cachedPrompt = cachedPrompt.map { min($0, prompt) }
      cacheWritePrompt = cacheWritePrompt.map { min($0, prompt - (cachedPrompt ?? 0)) }
    }
    cacheWrite1hPrompt = cacheWrite1hPrompt.map { min($0, cacheWritePrompt ?? 0) }
    if let completion { reasoning = reasoning.map { min($0, completion) } }
    guard disputed.promptTokens > 0 || disputed.completionTokens > 0 else { return nil }
    // The total is of what was reported.
    if total != nil { total = Int(clamping: Int128(prompt ?? 0) + Int128(completion ?? 0)) }
    return disputed
  }
}
