import Bytes
import Quota
import Terms

extension Refusal {
  /// The refusal by a limit: 429. The text says which limit it was, how much it gives, what was asked
  /// of it, and when to come back.
  init(_ refusal: QuotaRefusal, nowMs: Int64) {
    let failure = refusal.decisive
    let limit = LimitText(failure.rule, amount: failure.amount)
    // A raise may begin before the window ends.
    let hasRaises = !failure.rule.raises.isEmpty
    let asked = LimitText.amount(failure.need, failure.rule.kind)
    switch refusal.verdict {
    case .neverFits:
      self.init(
        .rateLimitExceeded,
        "The request asks for \(asked), more than \(limit.named("limit")) could ever give. "
          + "Ask for less: a shorter prompt or a smaller bound of the answer.")
      shouldRetry = false
    case .insufficientQuota(let wait):
      let reset = failure.shortage.waitMilliseconds ?? wait
      let begins = hasRaises ? "There is more of it at" : "The budget begins anew at"
      self.init(
        .insufficientQuota,
        "\(limit.named("budget", first: true)) is spent. The request asks for \(asked). \(begins) "
          + "\(LimitText.moment(reset, after: nowMs)); it does not help to try again before.")
      shouldRetry = false
    case .storeUnavailable:
      self.init(
        .storeUnavailable,
        "\(limit.named("limit", first: true)) cannot be checked at the moment; try again.")
      retryAfterSeconds = 1
    case .rateLimited(let wait):
      let seconds = Self.seconds(wait)
      var what = "is reached"
      if case .tooManySubjects = failure.shortage { what = "counts as many callers as it can" }
      var isBudget = false
      if case .calendar = failure.rule.window { isBudget = seconds > 1 }
      self.init(
        .rateLimitExceeded,
        "\(limit.named("limit", first: true)) \(what). The request asks for \(asked). "
          + "Try again in \(RateLimitHeaders.duration(Int64(seconds) * 1000))"
          + (isBudget
            ? ", when \(hasRaises ? "there is more of it" : "it begins anew"), or ask for less."
            : "."))
      retryAfterSeconds = seconds
    }
    self.limit = failure.rule.name
  }

  /// Rounded up, at least 1, and short enough to be written in milliseconds again.
  private static func seconds(_ milliseconds: Int64) -> Int {
    max(1, Int(min(milliseconds, .max - 999) / 1000) + (milliseconds % 1000 > 0 ? 1 : 0))
  }

  static let ledgerUnavailable: Refusal = {
    var refusal = Refusal(
      .ledgerUnavailable, "The gateway cannot keep its books at the moment; try again.")
    refusal.retryAfterSeconds = 1
    return refusal
  }()
}

extension Refusal {
  /// The store was asked and has not told.
  static let storeUnavailable: Refusal = {
    var refusal = Refusal(
      .storeUnavailable, "The limits cannot be checked at the moment; try again.")
    refusal.retryAfterSeconds = 1
    return refusal
  }()

  /// As many requests wait for the store as may.
  static let storeOverloaded: Refusal = {
    var refusal = Refusal(
      .overloaded, "Too many requests wait for their limits to be checked; try again.")
    refusal.retryAfterSeconds = 1
    return refusal
  }()
}

/// A limit in the words of a refusal: `the limit tpm (1000 tokens a minute, at most 200 at once)`.
private struct LimitText {
  /// The name and what it gives.
  private let text: String
  /// Whether tenants spend it together who may not know of each other.
  private let isOfGroup: Bool

  /// `first`: it begins a sentence. A group is the caller's organisation: neither its name nor who else
  /// is in it is the caller's business.
  func named(_ noun: String, first: Bool = false) -> String {
    let article =
      isOfGroup ? (first ? "Your organisation's" : "your organisation's") : first ? "The" : "the"
    return "\(article) \(noun) \(text)"
  }

  init(_ rule: LimitRule, amount given: Int64) {
    let gives: String
    let amount = Self.amount(given, rule.kind)
    switch rule.window {
    case .bucket(let period, let capacity):
      let atOnce =
        capacity == rule.amount ? "" : ", at most \(Self.number(capacity, rule.kind)) at once"
      gives = "\(amount) \(Self.each(period))\(atOnce)"
    case .calendar(.day): gives = "\(amount) a day"
    case .calendar(.week): gives = "\(amount) a week"
    case .calendar(.month): gives = "\(amount) a month"
    case .slots: gives = "\(amount) at the same time"
    }
    text = "\(rule.name) (\(gives))"
    if case .group = rule.owner { isOfGroup = true } else { isOfGroup = false }
  }

  private static func each(_ periodMilliseconds: Int64) -> String {
    switch periodMilliseconds {
    case 1_000: "a second"
    case 60_000: "a minute"
    case 3_600_000: "an hour"
    default: "in \(RateLimitHeaders.duration(periodMilliseconds))"
    }
  }

  /// An amount with its unit: `1 request`, `1000 prompt tokens`, `0.5 US dollars`.
  static func amount(_ amount: Int64, _ kind: LimitKind) -> String {
    let unit =
      switch kind {
      case .requests, .concurrent: "request"
      case .tokens: "token"
      case .promptTokens: "prompt token"
      case .completionTokens: "completion token"
      case .usd: "US dollar"
      }
    let number = number(amount, kind)
    return "\(number) \(unit)\(number == "1" ? "" : "s")"
  }

  private static func number(_ amount: Int64, _ kind: LimitKind) -> String {
    kind == .usd ? Dollars.text(amount) : String(amount)
  }

  /// `2026-12-01T00:00:00Z, in 10h3m0s`.
  static func moment(_ waitMs: Int64, after nowMs: Int64) -> String {
    let now = min(max(0, nowMs), UTCTime.millisecondsMax)
    let wait = max(0, min(waitMs, UTCTime.millisecondsMax - now))
    return "\(UTCTime.string(seconds: (now + wait) / 1000)), "
      + "in \(RateLimitHeaders.duration(wait))"
  }
}
