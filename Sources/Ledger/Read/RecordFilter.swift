/// Selects records by their fields, for `audit show` and `usage`. A record matches if it has every
/// field that is not nil here, with that value.
package struct RecordFilter: Equatable, Sendable {
  /// The tenant's name.
  package var tenant: String?
  /// The caller inside of the tenant.
  package var subject: String?
  /// The id of the API key that the caller used.
  package var keyID: String?
  /// The least that a completion must have cost, in nano-dollars.
  package var minCostNanodollars: Int64?
  /// The decision; `denials` records match `deny`.
  package var decision: Admission.Decision?
  /// The refusal's code, or a completion's `end_reason`.
  package var reason: String?
  /// The policy's canonical name of the model.
  package var model: String?
  /// A request path or a model route.
  package var route: String?
  /// The record's type, one of `LedgerRecord.types`.
  package var type: String?
  /// The earliest time of a record that matches, in Unix milliseconds.
  package var sinceMs: Int64?
  /// The time before which a record must be, in Unix milliseconds.
  package var untilMs: Int64?

  /// Matches every record.
  package init() {}

  /// Whether the record has all that is asked for. `admission` is that of its exchange, where it is
  /// known: a completion does not name the key.
  package func matches(_ record: LedgerRecord, of admission: Admission? = nil) -> Bool {
    if let sinceMs, record.timeMs < sinceMs { return false }
    if let untilMs, record.timeMs >= untilMs { return false }
    if let type, record.type != type { return false }
    let facts = Facts(record.body)
    return (tenant == nil || tenant == facts.tenant)
      && (subject == nil || subject == facts.subject)
      && (keyID == nil || keyID == admission?.keyID)
      && minCostNanodollars.map { facts.costNanodollars ?? -1 >= $0 } ?? true
      && (decision == nil || decision == facts.decision)
      && (reason == nil || reason == facts.reason)
      && (model == nil || model == facts.model)
      && (route == nil || route == facts.route || route == facts.modelRoute)
  }

  /// The fields of a record that a filter compares.
  private struct Facts {
    var tenant: String?
    var subject: String?
    var costNanodollars: Int64?
    var decision: Admission.Decision?
    var reason: String?
    var model: String?
    var route: String?
    var modelRoute: String?

    init(_ body: LedgerRecord.Body) {
      switch body {
      case .admission(let admission):
        tenant = admission.value.tenant
        subject = admission.value.subject
        decision = admission.value.decision
        reason = admission.value.reason
        model = admission.value.model
        route = admission.value.route
        modelRoute = admission.value.modelRoute
      case .completion(let completion):
        tenant = completion.value.tenant
        subject = completion.value.subject
        costNanodollars = completion.value.costNanodollars
        reason = completion.value.endReason.rawValue
        model = completion.value.model
        route = completion.value.route
        modelRoute = completion.value.modelRoute
      case .denials(let denials):
        tenant = denials.tenant
        decision = .deny
        reason = denials.reason
      case .threshold(let threshold): tenant = threshold.tenant
      case .revoke(let revocation): tenant = revocation.tenant
      case .start, .reload, .checkpoint, .clock, .repair, .stop, .store, .drop, .restore: break
      }
    }
  }
}
