import Bytes
import Quota

/// The rate-limit headers of a caller, in the dialect of the path.
enum RateLimitHeaders {
  static func of(
    _ shares: LimitShares, nowMs: Int64, anthropic: Bool
  ) -> [(name: [UInt8], value: [UInt8])] {
    var result: [(name: [UInt8], value: [UInt8])] = []
    func add(_ share: LimitShare?, _ kind: String) {
      guard let share else { return }
      let reset: String
      if anthropic {
        // A bucket in deep debt may be full only after the year 9999, which RFC 3339 cannot write.
        let wait = min(share.resetMilliseconds, UTCTime.millisecondsMax - nowMs)
        reset = String(decoding: UTCTime.text(nowMs + wait), as: UTF8.self)
      } else {
        reset = duration(share.resetMilliseconds)
      }
      let fields = [
        ("limit", String(share.limit)), ("remaining", String(share.remaining)), ("reset", reset),
      ]
      for (field, value) in fields {
        let name =
          anthropic ? "anthropic-ratelimit-\(kind)-\(field)" : "x-ratelimit-\(field)-\(kind)"
        result.append((Array(name.utf8), Array(value.utf8)))
      }
    }
    add(shares.requests, "requests")
    add(shares.tokens, "tokens")
    return result
  }

  /// As OpenAI writes it: `120ms`, `1s`, `6m0s`, `2h0m0s`.
  static func duration(_ milliseconds: Int64) -> String {
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    let seconds = milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0)
    if seconds < 60 { return "\(seconds)s" }
    let (minutes, rest) = seconds.quotientAndRemainder(dividingBy: 60)
    if minutes < 60 { return "\(minutes)m\(rest)s" }
    return "\(minutes / 60)h\(minutes % 60)m\(rest)s"
  }
}
