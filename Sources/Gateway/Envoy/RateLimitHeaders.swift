import Bytes
import Quota

/// The rate-limit headers of a caller, in the dialect of the path.
struct RateLimitHeaders {
  let shares: LimitShares
  let nowMs: Int64
  let anthropic: Bool

  /// The three names of one kind of limit.
  private typealias Names = (limit: StaticString, remaining: StaticString, reset: StaticString)

  private static let openAIRequests: Names = (
    "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"
  )
  private static let openAITokens: Names = (
    "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"
  )
  private static let anthropicRequests: Names = (
    "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset"
  )
  private static let anthropicTokens: Names = (
    "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset"
  )

  /// Visits the headers in order. A value is there during the visit only.
  func visitAll(_ visit: (_ name: StaticString, _ value: Span<UInt8>) -> Void) {
    var value: [UInt8] = []
    value.reserveCapacity(24)
    func add(_ share: LimitShare?, _ names: Names) {
      guard let share else { return }
      DecimalDigits(share.limit).append(to: &value)
      visit(names.limit, value.span)
      value.removeAll(keepingCapacity: true)
      DecimalDigits(share.remaining).append(to: &value)
      visit(names.remaining, value.span)
      value.removeAll(keepingCapacity: true)
      reset(share, to: &value)
      visit(names.reset, value.span)
      value.removeAll(keepingCapacity: true)
    }
    add(shares.requests, anthropic ? Self.anthropicRequests : Self.openAIRequests)
    add(shares.tokens, anthropic ? Self.anthropicTokens : Self.openAITokens)
  }

  private func reset(_ share: LimitShare, to value: inout [UInt8]) {
    guard anthropic else { return Self.append(duration: share.resetMilliseconds, to: &value) }
    // A bucket in deep debt may be full only after the year 9999, which RFC 3339 cannot write.
    let wait = min(share.resetMilliseconds, UTCTime.millisecondsMax - nowMs)
    UTCTime.append(nowMs + wait, to: &value)
  }

  /// The headers, to keep.
  var list: [(name: [UInt8], value: [UInt8])] {
    var list: [(name: [UInt8], value: [UInt8])] = []
    visitAll { name, value in list.append((Array("\(name)".utf8), value.copy())) }
    return list
  }

  /// As OpenAI writes it: `120ms`, `1s`, `6m0s`, `2h0m0s`.
  static func duration(_ milliseconds: Int64) -> String {
    var text: [UInt8] = []
    append(duration: milliseconds, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  private static func append(duration milliseconds: Int64, to text: inout [UInt8]) {
    func add(_ number: Int64, _ unit: UInt8) {
      DecimalDigits(number).append(to: &text)
      text.append(unit)
    }
    let (m, s) = (UInt8(ascii: "m"), UInt8(ascii: "s"))
    if milliseconds < 1000 {
      add(milliseconds, m)
      return text.append(s)
    }
    let seconds = milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0)
    let minutes = seconds / 60
    if minutes >= 60 { add(minutes / 60, UInt8(ascii: "h")) }
    if minutes > 0 { add(minutes % 60, m) }
    add(seconds % 60, s)
  }
}
