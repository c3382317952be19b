import Quota
import Terms

extension Refusal {
  /// The refusal by a limit: 429, and which limit it was.
  init(_ refusal: QuotaRefusal) {
    let limit = refusal.decisive
    let unit = limit.kind == .usd ? "US dollars" : limit.kind.rawValue.replacing("_", with: " ")
    switch refusal.verdict {
    case .neverFits:
      self.init(
        .rateLimitExceeded,
        "The request asks for more than the limit \(limit.name) (\(unit)) could ever give.")
      shouldRetry = false
    case .insufficientQuota(let wait):
      self.init(.insufficientQuota, "The budget \(limit.name) (\(unit)) is spent.")
      shouldRetry = false
      retryAfterSeconds = Self.seconds(wait)
    case .rateLimited(let wait):
      self.init(.rateLimitExceeded, "The limit \(limit.name) (\(unit)) is reached.")
      retryAfterSeconds = Self.seconds(wait)
    }
    self.limit = limit.name
  }

  private static func seconds(_ milliseconds: Int64) -> Int {
    max(1, Int(milliseconds / 1000) + (milliseconds % 1000 > 0 ? 1 : 0))
  }

  static let ledgerUnavailable: Refusal = {
    var refusal = Refusal(
      .ledgerUnavailable, "The gateway cannot keep its books at the moment; try again.")
    refusal.retryAfterSeconds = 1
    return refusal
  }()
}
