import EnvoyAPI
import Ledger
import Metrics

/// What the books put on record is what is counted: the same words, the same numbers.
extension LoopMetrics {
  /// An exchange that was let through was settled so.
  func settled(_ completion: Completion) {
    finished(
      FinishedExchange(
        tenant: completion.tenant, route: completion.route, model: completion.model,
        modelRoute: completion.modelRoute, trafficClass: completion.trafficClass,
        stream: completion.stream, status: completion.httpStatus,
        origin: Self.origin(completion.origin), durationMs: completion.latencyMs,
        firstTokenMs: completion.ttftMs, promptTokens: completion.promptTokens,
        completionTokens: completion.completionTokens,
        cachedPromptTokens: completion.cachedPromptTokens,
        cacheWritePromptTokens: completion.cacheWritePromptTokens,
        reasoningTokens: completion.reasoningTokens,
        costNanodollars: completion.costNanodollars,
        isEstimated: completion.usageSource == .estimated))
  }

  /// A refusal was recorded so.
  func denied(_ record: Ledger.Admission, timeMs: Int64) {
    refused(
      RefusedExchange(
        tenant: record.tenant, subject: record.subject, route: record.route,
        model: record.model, trafficClass: record.trafficClass, stream: record.stream,
        reason: record.reason ?? "other", status: record.httpStatus ?? 0, limit: record.limit,
        requestID: record.requestID, timeMs: timeMs))
  }

  private static func origin(_ origin: Completion.Origin?) -> FinishedExchange.Origin {
    switch origin {
    case .gateway: .gateway
    case .backend: .backend
    case nil: .none
    }
  }
}

extension GatewayLoop {
  /// An exchange that was let through is over: settled, or undone (nil).
  func ended(_ settled: Completion?) {
    guard let settled else {
      metrics?.withdrawn()
      return
    }
    metrics?.settled(settled)
    logEnd(settled)
  }

  /// An exchange was refused.
  func denied(_ record: Ledger.Admission) {
    metrics?.denied(record, timeMs: now().milliseconds)
    logRefusal(record)
  }
}

extension ProcessingPhase {
  /// Whose time is measured; trailers are few and cheap.
  var stage: ProcessingStage? {
    switch self {
    case .requestHeaders: .requestHeaders
    case .requestBody: .requestBody
    case .responseHeaders: .responseHeaders
    case .responseBody: .responseBody
    case .requestTrailers, .responseTrailers: nil
    }
  }
}
