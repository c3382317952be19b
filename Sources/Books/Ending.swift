import Inference
import Ledger
import Quota
import Terms

/// How an exchange ended, as far as Tollgate saw it. Every exit of both filters, a crash, and a
/// recorded exchange in a replay is one of these. `outcome` alone decides what each of them is
/// charged.
package enum Ending: Sendable, Equatable {
  /// The exchange ended before Tollgate let it go on, so no backend got the request. `status` is
  /// that of an answer which Envoy gave meanwhile.
  case notReleased(status: Int?)
  /// Tollgate gave the answer (a list of models).
  case answeredHere
  /// Envoy or another of its filters gave the answer, and no backend was reached.
  case unreached(status: Int?)
  /// Envoy or another of its filters gave the answer; a backend may have worked on the request (a
  /// timeout, a reset).
  case gatewayAnswer(status: Int)
  /// The stream ended before the client is known to have got any of an answer.
  case noAnswer
  /// A backend gave the answer. `isWhole`: Tollgate saw the answer's end.
  case backendAnswer(status: Int, isWhole: Bool)
  /// ext_authz alone let the request go on: Tollgate never sees the answer.
  case unobserved
  /// The process ended before the exchange did.
  case interrupted
}

/// What follows from an ending: what the counters are charged, and what the completion records.
package struct EndingOutcome {
  /// The usage, with what had to be estimated filled in.
  package var usage: MeteredUsage
  /// What the counters are charged.
  package var settlement: Settlement
  /// The record's `end_reason`.
  package var endReason: Completion.EndReason
  /// The record's `origin`; nil where it is not known who ended the exchange.
  package var origin: Origin?
  /// The status of the answer; nil where none was seen.
  package var httpStatus: Int64?
  /// What it cost, in nano-dollars; nil where something was used and its price is not known.
  package var costNanodollars: Int64?
  /// What the cost is made of; nil where the model has no prices, and where nothing was used.
  package var costParts: CostParts?
  /// What the backend reported beyond what it can be believed, and is not charged; nil where it is
  /// believed.
  package var disputed: DisputedUsage?
}

extension Ending {
  /// What is charged, and what is recorded.
  ///
  /// - Usage that the backend reported is charged as reported, up to what the request's size allows
  ///   (`UsageCap`). What is beyond is disputed. A recorded usage, whose request is not known any more,
  ///   was cut when it was recorded.
  /// - Where no backend got the request, all that was reserved is given back; but a bucket of
  ///   requests, which counts attempts, never gets anything back. Where a backend answered 4xx or
  ///   5xx without usage, and where Tollgate answered, all but the request itself is given back.
  /// - An answer that is an error from its beginning is a backend's failure, whatever its status is.
  /// - Every other ending without usage is charged the estimate of the prompt and of the output
  ///   that was seen. What is never seen is charged as reserved, finally: `unobserved`, and an answer
  ///   that came before the work was done. What was seen and says little of its size, because it is
  ///   compressed, is charged no less.
  ///
  /// - Parameters:
  ///   - metered: the usage that the answer reported, and the text that was counted, as far as it
  ///     came.
  ///   - estimator: that of the exchange's model.
  package func outcome(
    of admission: OpenAdmission, metered: MeteredUsage, by estimator: TokenEstimator
  ) -> EndingOutcome {
    var usage = usage(metered, of: admission)
    let cap = admission.request.size?.cap
    let disputed = cap.flatMap { usage.cut(to: $0) }
    usage.estimate(
      promptTokens: Int(clamping: admission.record.value.estimatedPromptTokens ?? 0),
      outputTokens: { estimator.outputTokens(bytes: $0) })
    if usage.unread == .encoded { raiseToReserved(&usage, of: admission) }
    // An estimate is cut likewise, and nobody's word.
    if let cap { _ = usage.cut(to: cap) }
    let priced = priced(usage, of: admission)
    let settlement = settlement(usage, priced, of: admission)
    // An admission without a model route is an answer of Tollgate's own, which costs 0.
    let isPriced =
      admission.request.prices != nil || admission.reservedNanos > 0
      || admission.record.value.modelRoute == nil
    let cost: Int64? =
      switch settlement {
      case .nothing, .undone: 0
      case .requestOnly: isPriced ? 0 : nil
      case .used(let used): isPriced && priced?.isWhole ?? true ? used.nanoDollars : nil
      }
    var outcome = EndingOutcome(
      usage: usage, settlement: settlement, endReason: endReason(metered),
      origin: origin(metered),
      httpStatus: httpStatus, costNanodollars: cost, disputed: disputed)
    if case .used = settlement { outcome.costParts = priced?.parts }
    return outcome
  }

  /// What a usage costs by the model's prices; nil where it has none. Where it is in units that have no
  /// price, that is unknown, and limits on money are charged for the tokens that were reserved.
  private func priced(_ usage: MeteredUsage, of admission: OpenAdmission) -> Cost? {
    guard let cost = admission.request.prices?.cost(of: usage) else { return nil }
    guard !cost.isWhole,
      var reserved = admission.request.prices?.cost(of: charged(usage, of: admission))
    else {
      return cost
    }
    reserved.isWhole = false
    reserved.parts.unpriced = cost.parts.unpriced
    return reserved
  }

  private func usage(_ metered: MeteredUsage, of admission: OpenAdmission) -> MeteredUsage {
    var usage = metered
    switch self {
    case .notReleased, .answeredHere, .unreached: return MeteredUsage()
    case .backendAnswer:
      break
    case .gatewayAnswer, .noAnswer, .interrupted:
      if usage.source == .none, admission.request.isMetered { usage.source = .estimated }
    case .unobserved:
      usage.source = .estimated
      raiseToReserved(&usage, of: admission)
    }
    // The work goes on behind an answer that was asked for in the background, whoever leaves.
    if usage.source == .estimated, usage.isPending || admission.request.size?.isBackground == true {
      raiseToReserved(&usage, of: admission)
    }
    return usage
  }

  /// What the request was reserved, at least.
  private func raiseToReserved(_ usage: inout MeteredUsage, of admission: OpenAdmission) {
    usage.raise(
      toPrompt: Int(clamping: admission.record.value.estimatedPromptTokens ?? 0),
      completion: Int(clamping: admission.record.value.reservedCompletionTokens ?? 0))
  }

  private func settlement(
    _ usage: MeteredUsage, _ cost: Cost?, of admission: OpenAdmission
  ) -> Settlement {
    switch self {
    case .notReleased, .unreached: return .nothing
    case .answeredHere: return .requestOnly
    case .backendAnswer(let status, _)
    where usage.source == .none && (status >= 400 || usage.sawError):
      return .requestOnly
    case .interrupted where admission.request.prices == nil:
      return .used(
        Usage(
          promptTokens: admission.record.value.estimatedPromptTokens ?? 0, completionTokens: 0,
          nanoDollars: admission.reservedNanos))
    case .backendAnswer, .gatewayAnswer, .noAnswer, .unobserved, .interrupted:
      let charged = charged(usage, of: admission)
      return .used(
        Usage(
          promptTokens: Int64(charged.prompt ?? 0),
          completionTokens: Int64(charged.completion ?? 0),
          nanoDollars: cost?.nanoDollars ?? 0))
    }
  }

  /// What is charged for a usage: one in other units than tokens keeps what was reserved in tokens.
  private func charged(_ usage: MeteredUsage, of admission: OpenAdmission) -> MeteredUsage {
    guard usage.source == .reported, usage.prompt == nil, usage.completion == nil else {
      return usage
    }
    var reserved = usage
    reserved.source = .estimated
    raiseToReserved(&reserved, of: admission)
    return reserved
  }

  private func endReason(_ metered: MeteredUsage) -> Completion.EndReason {
    switch self {
    case .notReleased, .noAnswer: .cut
    case .answeredHere, .unobserved: .complete
    case .unreached, .gatewayAnswer: .failed
    case .backendAnswer(let status, _) where metered.sawError && status < 400: .failed
    case .backendAnswer(_, isWhole: false): .cut
    case .backendAnswer(let status, isWhole: true): status >= 400 ? .failed : .complete
    case .interrupted: .interrupted
    }
  }

  private func origin(_ metered: MeteredUsage) -> Origin? {
    switch self {
    case .answeredHere: .gateway
    case .unreached, .gatewayAnswer: .route
    case .backendAnswer(let status, let isWhole):
      isWhole || metered.sawError && status < 400 ? .backend : nil
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

// MARK: - Records

extension Admission {
  /// The same with what was reserved.
  borrowing func with(_ reservation: borrowing Reservation) -> Admission {
    var record = copy self
    record.reserved = reservation.charges
    record.shadowLimits = reservation.shadowed.map(\.name)
    record.estimatedPromptTokens = reservation.demand.promptTokens
    record.reservedCompletionTokens = reservation.demand.completionTokens
    return record
  }
}

extension Completion {
  /// The record of an exchange's end.
  init(
    of admission: Admission, _ outcome: EndingOutcome, latencyMs: Int64? = nil,
    backend: String? = nil,
    droppedReason: DroppedReason? = nil, charged: [Charge] = []
  ) {
    let usage = outcome.usage
    self.init(
      requestID: admission.requestID, tenant: admission.tenant, subject: admission.subject,
      hostname: admission.hostname, route: admission.route, model: admission.model,
      modelRoute: admission.modelRoute, trafficClass: admission.trafficClass,
      operation: admission.operation, provider: admission.provider,
      stream: admission.stream, httpStatus: outcome.httpStatus, latencyMs: latencyMs,
      ttftMs: usage.ttftMs,
      promptTokens: usage.prompt.map(Int64.init),
      cachedPromptTokens: usage.cachedPrompt.map(Int64.init),
      cacheWritePromptTokens: usage.cacheWritePrompt.map(Int64.init),
      cacheWrite1hPromptTokens: usage.cacheWrite1hPrompt.map(Int64.init),
      completionTokens: usage.completion.map(Int64.init),
      reasoningTokens: usage.reasoning.map(Int64.init),
      totalTokens: usage.total.map(Int64.init), units: usage.units, tier: usage.tier,
      usageSource: usage.source,
      costNanodollars: outcome.costNanodollars, costParts: outcome.costParts,
      gatewayBackend: backend, endReason: outcome.endReason, finishReason: usage.finish,
      origin: outcome.origin, droppedReason: droppedReason, traceparent: admission.traceparent,
      disputed: outcome.disputed, charged: charged)
  }
}

extension Ending {
  /// The ending of a recorded exchange: one for which `outcome`, with the recorded usage, charges
  /// the same again. A record does not say whether a backend was reached: without usage, an
  /// exchange that was charged nothing is taken for one that reached none.
  package init(of completion: Completion) {
    let status = completion.httpStatus.map(Int.init(clamping:))
    // A bucket, whose charge has no window, keeps its request in either case, and tells nothing.
    let isCharged =
      (completion.costNanodollars ?? 0) > 0
      || completion.charged.contains { $0.amount > 0 && $0.window != nil }
    switch completion.endReason {
    case .interrupted: self = .interrupted
    case .complete where completion.origin == .gateway: self = .answeredHere
    // Records of older versions say `gateway` of what Envoy answered.
    case .failed where completion.origin == .route || completion.origin == .gateway:
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
  /// The usage that a completion records.
  package init(of completion: Completion) {
    self.init()
    source = completion.usageSource
    prompt = completion.promptTokens.map(Int.init(clamping:))
    self.completion = completion.completionTokens.map(Int.init(clamping:))
    total = completion.totalTokens.map(Int.init(clamping:))
    cachedPrompt = completion.cachedPromptTokens.map(Int.init(clamping:))
    cacheWritePrompt = completion.cacheWritePromptTokens.map(Int.init(clamping:))
    cacheWrite1hPrompt = completion.cacheWrite1hPromptTokens.map(Int.init(clamping:))
    reasoning = completion.reasoningTokens.map(Int.init(clamping:))
    units = completion.units
    tier = completion.tier
    region = completion.costParts?.region
    let tokens = completion.costParts?.tokens ?? TokenAmounts()
    promptAudio = Int(clamping: tokens[.promptAudio])
    promptImage = Int(clamping: tokens[.promptImage])
    completionAudio = Int(clamping: tokens[.completionAudio])
    completionImage = Int(clamping: tokens[.completionImage])
    sawError = completion.endReason == .failed && completion.origin == .backend
  }
}
