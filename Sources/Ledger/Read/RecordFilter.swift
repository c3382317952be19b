/// Which records someone wants to see. Everything that is given must hold; a record without the
/// field that is asked for does not match.
package struct RecordFilter: Equatable, Sendable {
  package var tenant: String?
  package var subject: String?
  package var decision: Admission.Decision?
  package var reason: String?
  package var model: String?
  /// A request path or a model route.
  package var route: String?
  package var requestID: String?
  package var type: String?
  /// The first moment, and the first that is too late.
  package var sinceMs: Int64?
  package var untilMs: Int64?

  package init() {}

  package func matches(_ record: LedgerRecord) -> Bool {
    if let sinceMs, record.timeMs < sinceMs { return false }
    if let untilMs, record.timeMs >= untilMs { return false }
    if let type, record.type != type { return false }
    if let requestID, record.requestID != requestID { return false }
    let facts = Facts(record.body)
    return (tenant == nil || tenant == facts.tenant)
      && (subject == nil || subject == facts.subject)
      && (decision == nil || decision == facts.decision)
      && (reason == nil || reason == facts.reason)
      && (model == nil || model == facts.model)
      && (route == nil || route == facts.route || route == facts.modelRoute)
  }

  /// What of a record can be asked for.
  private struct Facts {
    var tenant: String?
    var subject: String?
    var decision: Admission.Decision?
    var reason: String?
    var model: String?
    var route: String?
    var modelRoute: String?

    init(_ body: LedgerRecord.Body) {
      switch body {
      case .admission(let admission):
        tenant = admission.tenant
        subject = admission.subject
        decision = admission.decision
        reason = admission.reason
        model = admission.model
        route = admission.route
        modelRoute = admission.modelRoute
      case .completion(let completion):
        tenant = completion.tenant
        subject = completion.subject
        reason = completion.endReason.rawValue
        model = completion.model
        route = completion.route
        modelRoute = completion.modelRoute
      case .denials(let denials):
        tenant = denials.tenant
        decision = .deny
        reason = denials.reason
      case .start, .reload, .checkpoint, .clock, .repair, .stop, .drop: break
      }
    }
  }
}
