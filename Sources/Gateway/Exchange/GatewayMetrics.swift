import Bytes
import EnvoyAPI
import Ledger
import Metrics
import Terms
import Transport

/// Metrics are counted from the records, so that both have the same names and numbers.
extension LoopMetrics {
  /// An exchange that was let through was settled so.
  func settled(_ completion: Completion) {
    finished(
      FinishedExchange(
        tenant: completion.tenant, route: completion.route, model: completion.model,
        modelRoute: completion.modelRoute, trafficClass: completion.trafficClass,
        operation: completion.operation, provider: completion.provider,
        stream: completion.stream, status: completion.httpStatus,
        isReported: completion.usageSource == .reported, fault: completion.endReason.fault,
        origin: completion.origin, durationMs: completion.latencyMs,
        firstTokenMs: completion.ttftMs, promptTokens: completion.promptTokens,
        completionTokens: completion.completionTokens,
        cachedPromptTokens: completion.cachedPromptTokens,
        cacheWritePromptTokens: completion.cacheWritePromptTokens,
        reasoningTokens: completion.reasoningTokens,
        costNanodollars: completion.costNanodollars,
        isEstimated: completion.usageSource == .estimated,
        disputedTokens: completion.disputed?.tokens))
  }

  /// A refusal was recorded so; `wasSettled`: of an exchange that has its completion already.
  func denied(_ record: Admission, wasSettled: Bool, timeMs: Int64) {
    refused(
      RefusedExchange(
        tenant: record.tenant, subject: record.subject, route: record.route,
        model: record.model, trafficClass: record.trafficClass, stream: record.stream,
        reason: record.reason ?? "other", status: record.httpStatus ?? 0, limit: record.limit,
        requestID: record.requestID, timeMs: timeMs),
      wasCounted: wasSettled)
  }
}

extension Completion.EndReason {
  fileprivate var fault: FinishedExchange.Fault? {
    switch self {
    case .complete: nil
    case .failed, .refused: .failed
    case .cut: .cut
    case .interrupted: .interrupted
    }
  }
}

extension GatewayLoop {
  /// An exchange that was let through is over: settled, or undone (nil).
  func ended(_ settled: Reference<Completion>?) {
    guard let settled else {
      metrics?.withdrawn()
      return
    }
    if let metrics { settled.read { metrics.settled($0) } }
    for what in settled.value.costParts?.unpriced ?? [] { metrics?.unpriced(what) }
    settled.read { logEnd($0) }
  }

  /// An answer could not be read for its usage.
  func unread(_ reason: UnreadReason, _ settled: Completion) {
    metrics?.unread(reason)
    logUnread(reason, settled)
  }

  /// An exchange was refused; `wasSettled`: one that another filter had let through and settled.
  func denied(_ record: Admission, wasSettled: Bool = false) {
    metrics?.denied(record, wasSettled: wasSettled, timeMs: now().milliseconds)
    logRefusal(record)
  }
}

extension CallStatus {
  /// How a call went away. Envoy ends nearly every stream by a reset, finished or not: one that has
  /// all that it needs (`isServed`) went well.
  init(_ how: CallTermination, _ end: CallEnd?, isServed: Bool) {
    switch (end, how) {
    case (.ok, _), (nil, .finished): self = .ok
    case (.failed(let failure), _):
      self = CallStatus(rawValue: Int(failure.code.rawValue)) ?? .unknown
    case (nil, .reset): self = isServed ? .ok : .cancelled
    case (nil, .connectionLost): self = .unavailable
    case (nil, .deadlineExceeded): self = .deadlineExceeded
    // The transport ended it, because the peer does not read.
    case (nil, .failed): self = .unknown
    }
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
