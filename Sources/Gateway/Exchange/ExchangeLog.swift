import Ledger
import Log
import Policy
import Terms

extension GatewayLoop {
  /// Says which claim of a verified token does not say who calls; its caller hears only 401.
  func report(_ claims: TokenClaims, under policy: CompiledPolicy) {
    guard case .unfit(let fault) = claims, log.isKept(.info) else { return }
    log.report(.info, .claimsUnfit, fault.message(policy.snapshot))
  }

  /// An answer could not be read for its usage: said once for each reason, then summed up. The model
  /// route is that of the answer which is logged.
  func logUnread(_ reason: UnreadReason, _ completion: Completion) {
    log.report(
      .warning, .usageUnread,
      "an answer could not be read for its usage and is charged by its bytes: \(reason.explanation)",
      [
        .reason: .text(reason.rawValue), .model: .optional(completion.model),
        .modelRoute: .optional(completion.modelRoute),
      ])
  }
}

extension UnreadReason {
  fileprivate var explanation: String {
    switch self {
    case .encoded:
      "it is compressed, though accept-encoding was removed. Put Envoy's decompressor before ext_proc, "
        + "or switch compression off at the backend."
    case .text: "it is text, neither JSON nor server-sent events"
    case .media: "it is binary data where text was expected"
    case .malformed: "its JSON is damaged"
    case .unknownShape: "neither usage nor text was found in its JSON"
    }
  }
}

/// At debug, one line for every exchange, with the values of its record and no text of the request's.
extension GatewayLoop {
  /// An exchange was settled.
  func logEnd(_ completion: Completion) {
    guard log.isKept(.debug) else { return }
    log.log(
      .debug, .exchange, "an exchange has ended",
      [
        .requestID: .text(completion.requestID), .tenant: .optional(completion.tenant),
        .subject: .optional(completion.subject), .route: .optional(completion.route),
        .model: .optional(completion.model), .modelRoute: .optional(completion.modelRoute),
        .stream: completion.stream.map(LogValue.flag) ?? .null,
        .httpStatus: .optional(completion.httpStatus),
        .latencyMs: .optional(completion.latencyMs),
        .promptTokens: .optional(completion.promptTokens),
        .completionTokens: .optional(completion.completionTokens),
        .usageSource: .text(completion.usageSource.rawValue),
        .endReason: .text(completion.endReason.rawValue),
        .origin: .optional(completion.origin?.rawValue),
      ])
  }

  /// A request was refused.
  func logRefusal(_ record: Admission) {
    guard log.isKept(.debug) else { return }
    log.log(
      .debug, .refusal, "a request was refused",
      [
        .requestID: .text(record.requestID), .tenant: .optional(record.tenant),
        .subject: .optional(record.subject), .route: .optional(record.route),
        .model: .optional(record.model), .reason: .optional(record.reason),
        .httpStatus: .optional(record.httpStatus), .limit: .optional(record.limit),
      ])
  }
}
