import Inference
import Ledger
import Quota
import Terms

/// How an exchange ended, as far as anybody saw. Every exit of every filter, a crash, and a recorded
/// exchange that is replayed is one of these, and `outcome` is the one place that says what each is
/// charged.
package enum Ending: Sendable, Equatable {
  /// The verdict never reached Envoy, so no backend can have been asked. `status`: of an answer that
  /// Envoy gave meanwhile.
  case notReleased(status: Int?)
  /// Tollgate gave the answer.
  case answeredHere
  /// Envoy gave the answer, and no backend was reached.
  case unreached(status: Int?)
  /// Envoy gave the answer; a backend may have worked on the request (a timeout, a reset).
  case gatewayAnswer(status: Int)
  /// The stream ended before any answer began.
  case noAnswer
  /// A backend's answer; `isWhole`: its end was seen.
  case backendAnswer(status: Int, isWhole: Bool)
  /// ext_authz alone let the request go on: nothing of its answer is ever seen.
  case unobserved
  /// The process ended before the exchange did.
  case interrupted
}

/// What an ending comes to: what the counters are charged, and what stands on record.
package struct EndingOutcome {
  package var usage: MeteredUsage
  package var settlement: Settlement
  package var endReason: Completion.EndReason
  package var origin: Origin?
  package var httpStatus: Int64?
  /// Nano-dollars; nil where it is unknown: without a price, of anything but nothing.
  package var costNanodollars: Int64?
}

extension Ending {
  /// What is charged, and what stands on record.
  ///
  /// - Reported usage is charged as reported.
  /// - Given back in full: what no backend was asked for. A backend's 4xx or 5xx without usage gives
  ///   back all but the request itself.
  /// - Anything else without usage is charged the prompt's estimate plus the output that was seen.
  ///
  /// - Parameters:
  ///   - metered: what the answer said of usage, as far as it came.
  ///   - estimator: of the exchange's model.
  package func outcome(
    of admission: OpenAdmission, metered: MeteredUsage, by estimator: TokenEstimator
  ) -> EndingOutcome {
    let request = admission.request
    var usage = usage(metered, of: request)
    usage.estimate(
      promptTokens: Int(clamping: request.record.estimatedPromptTokens ?? 0),
      outputTokens: { estimator.outputTokens(bytes: $0) })
    let settlement = settlement(usage, of: admission)
    // Of an answer of Tollgate's own the record names no route.
    let isPriced =
      request.prices != nil || admission.reservedNanos > 0 || request.record.modelRoute == nil
    let cost: Int64? =
      switch settlement {
      case .nothing: 0
      case .requestOnly: isPriced ? 0 : nil
      case .used(let used): isPriced ? used.nanoDollars : nil
      }
    return EndingOutcome(
      usage: usage, settlement: settlement, endReason: endReason, origin: origin,
      httpStatus: httpStatus, costNanodollars: cost)
  }

  private func usage(_ metered: MeteredUsage, of request: AdmissionRequest) -> MeteredUsage {
    var usage = metered
    switch self {
    case .notReleased, .answeredHere, .unreached: return MeteredUsage()
    case .backendAnswer: return metered
    case .gatewayAnswer, .noAnswer, .interrupted:
      if usage.source == .none, request.isMetered { usage.source = .estimated }
    case .unobserved:
      usage.source = .estimated
      usage.completion = request.record.reservedCompletionTokens.map(Int.init(clamping:))
    }
    return usage
  }

  private func settlement(_ usage: MeteredUsage, of admission: OpenAdmission) -> Settlement {
    switch self {
    case .notReleased, .answeredHere, .unreached: return .nothing
    case .backendAnswer(let status, _) where status >= 400 && usage.source == .none:
      return .requestOnly
    case .interrupted where admission.request.prices == nil:
      return .used(
        Usage(
          promptTokens: admission.record.estimatedPromptTokens ?? 0, completionTokens: 0,
          nanoDollars: admission.reservedNanos))
    case .backendAnswer, .gatewayAnswer, .noAnswer, .unobserved, .interrupted:
      return .used(usage, at: admission.request.prices)
    }
  }

  private var endReason: Completion.EndReason {
    switch self {
    case .notReleased, .noAnswer: .cut
    case .answeredHere, .unobserved: .complete
    case .unreached, .gatewayAnswer: .failed
    case .backendAnswer(_, isWhole: false): .cut
    case .backendAnswer(let status, isWhole: true): status >= 400 ? .failed : .complete
    case .interrupted: .interrupted
    }
  }

  private var origin: Origin? {
    switch self {
    case .answeredHere, .unreached, .gatewayAnswer: .gateway
    case .backendAnswer(_, let isWhole): isWhole ? .backend : nil
    case .notReleased, .noAnswer, .unobserved, .interrupted: nil
    }
  }

  private var httpStatus: Int64? {
    switch self {
    case .answeredHere: 200
    case .notReleased(let status), .unreached(let status): status.map(Int64.init)
    case .gatewayAnswer(let status), .backendAnswer(let status, _): Int64(status)
    case .noAnswer, .unobserved, .interrupted: nil
    }
  }
}

extension Settlement {
  /// The charge for a usage. Saturating: token counts are the backend's word.
  package static func used(_ usage: MeteredUsage, at prices: Prices?) -> Settlement {
    .used(
      Usage(
        promptTokens: Int64(usage.prompt ?? 0), completionTokens: Int64(usage.completion ?? 0),
        nanoDollars: prices.map { $0.nanoDollars(of: usage) } ?? 0))
  }
}

extension Prices {
  /// Nano-dollars: cached and cache-written prompt tokens at their own prices, each token once.
  fileprivate func nanoDollars(of usage: MeteredUsage) -> Int64 {
    let prompt = Int64(usage.prompt ?? 0)
    let cached = min(prompt, Int64(usage.cachedPrompt ?? 0))
    let written = min(prompt - cached, Int64(usage.cacheWritePrompt ?? 0))
    let plain = prompt - cached - written
    let nanos =
      Int128(plain) * Int128(promptNanos) + Int128(cached) * Int128(cachedPromptNanos)
      + Int128(written) * Int128(cacheWritePromptNanos)
      + Int128(usage.completion ?? 0) * Int128(completionNanos) + Int128(perRequestNanos)
    return Int64(clamping: nanos)
  }
}

// MARK: - Records

extension Completion {
  /// The record of an exchange's end; what the counters are charged in the end is the table's to say.
  init(of admission: Admission, _ outcome: EndingOutcome) {
    let usage = outcome.usage
    self.init(
      requestID: admission.requestID, tenant: admission.tenant, subject: admission.subject,
      hostname: admission.hostname, route: admission.route, model: admission.model,
      modelRoute: admission.modelRoute, trafficClass: admission.trafficClass,
      stream: admission.stream, httpStatus: outcome.httpStatus, ttftMs: usage.ttftMs,
      promptTokens: usage.prompt.map(Int64.init),
      cachedPromptTokens: usage.cachedPrompt.map(Int64.init),
      cacheWritePromptTokens: usage.cacheWritePrompt.map(Int64.init),
      completionTokens: usage.completion.map(Int64.init),
      reasoningTokens: usage.reasoning.map(Int64.init),
      totalTokens: usage.total.map(Int64.init), usageSource: usage.source,
      costNanodollars: outcome.costNanodollars, endReason: outcome.endReason,
      origin: outcome.origin, traceparent: admission.traceparent)
  }
}

extension Ending {
  /// How a recorded exchange ended, as far as its charge goes, for `outcome` with its recorded usage:
  /// what was charged nothing is told from what was charged no tokens.
  package init(of completion: Completion) {
    let status = completion.httpStatus.map(Int.init(clamping:))
    let isCharged = completion.charged.contains { $0.amount > 0 }
    switch completion.endReason {
    case .interrupted: self = .interrupted
    case .failed where completion.origin == .gateway:
      self =
        completion.usageSource == .none && !isCharged
        ? .unreached(status: status) : status.map { .gatewayAnswer(status: $0) } ?? .noAnswer
    case .cut where status == nil:
      self = completion.usageSource == .none && !isCharged ? .notReleased(status: nil) : .noAnswer
    case .complete, .refused, .failed, .cut:
      self =
        status.map { .backendAnswer(status: $0, isWhole: completion.endReason != .cut) }
        ?? .noAnswer
    }
  }
}

extension MeteredUsage {
  /// What a completion says of usage.
  package init(of completion: Completion) {
    self.init()
    source = completion.usageSource
    prompt = completion.promptTokens.map(Int.init(clamping:))
    self.completion = completion.completionTokens.map(Int.init(clamping:))
    total = completion.totalTokens.map(Int.init(clamping:))
    cachedPrompt = completion.cachedPromptTokens.map(Int.init(clamping:))
    cacheWritePrompt = completion.cacheWritePromptTokens.map(Int.init(clamping:))
    reasoning = completion.reasoningTokens.map(Int.init(clamping:))
  }
}
