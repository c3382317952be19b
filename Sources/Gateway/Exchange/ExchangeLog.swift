import Ledger
import Log
import Terms

/// At debug, one line for every exchange, with the values of its record and no text of the request's.
extension GatewayLoop {
  /// Credentials that disagree are refused in the same words as unknown ones: whoever set them up
  /// finds out here.
  func report(_ conflict: CredentialConflict) {
    guard log.isKept(.info) else { return }
    log.report(
      .info, .credentialsConflict, conflict.text,
      [
        .reason: .text(conflict.kind.rawValue), .headers: .names(conflict.headers),
        .tenants: .names(conflict.tenants),
      ])
  }

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
