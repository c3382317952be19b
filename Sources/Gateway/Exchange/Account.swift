import Books
import Bytes
import Inference
import Ledger
import Policy
import Quota

/// What an admitted exchange is charged to, and what is known of its response so far.
struct Account {
  let open: OpenAdmission
  let set: LimitSet
  let caller: Caller
  let reckoning: Books.Reckoning?
  let model: Model?
  /// Answered here: the response is known, and no other comes.
  let isOwnAnswer: Bool
  let isMetered: Bool
  /// We asked for the usage chunk and the client did not.
  let removesUsageChunk: Bool

  /// The verdict went out: a backend may have been reached.
  var wasReleased = false
  var meter: ResponseMeter?
  var status: Int?
  /// Envoy's own answer, not a backend's.
  var isGatewaysAnswer = false
  /// Envoy says that no backend was reached.
  var reachedNobody = false
  var backend: String?
  var sawEnd = false

  /// `response.flags` of answers for which no backend was reached: UH, UF, UO, NR.
  static let unreachedFlags: UInt64 = 0x2 | 0x20 | 0x80 | 0x100

  /// How it ended, as far as it went: one rule for every exit (design, "Settle").
  func ending(_ record: Completion) -> Books.Ending {
    var record = record
    var usage = meter?.finish(endedCleanly: sawEnd) ?? MeteredUsage()
    record.httpStatus = status.map(Int64.init)
    record.gatewayBackend = backend
    let prices = model?.prices
    func ending(_ settlement: @escaping (MeteredUsage) -> Settlement) -> Books.Ending {
      Books.Ending(
        usage: usage, settlement: settlement, isPriced: prices != nil, reckoning: reckoning,
        record: record)
    }
    if isOwnAnswer, wasReleased {
      record.answeredHere()
      return ending { _ in .nothing }
    }
    guard wasReleased, !reachedNobody else {
      record.endReason = wasReleased ? .failed : .cut
      record.origin = wasReleased ? .gateway : nil
      usage = MeteredUsage()
      return ending { _ in .nothing }
    }
    guard let status else {
      record.endReason = .cut
      usage.source = isMetered ? .estimated : .none
      return ending { Books.used($0, prices) }
    }
    if isGatewaysAnswer {
      record.endReason = .failed
      record.origin = .gateway
      usage = MeteredUsage()
      usage.source = isMetered ? .estimated : .none
      return ending { Books.used($0, prices) }
    }
    record.origin = sawEnd ? .backend : nil
    if status >= 400, usage.source == .none {
      record.endReason = sawEnd ? .failed : .cut
      return ending { _ in .requestOnly }
    }
    record.endReason = sawEnd ? (status >= 400 ? .failed : .complete) : .cut
    return ending { Books.used($0, prices) }
  }
}

extension Refusal {
  /// 429, and which limit.
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
        // A bucket in deep debt is whole again after the last year that there are words for.
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
