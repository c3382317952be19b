import Books
import Inference
import Ledger
import Policy
import Quota
import Terms

/// Decides recorded traffic again by another policy, record by record, at the recorded times; limits are
/// charged what the exchanges really used.
///
/// What a record does not say is not guessed: such a decision is `unsure`, or is left out and
/// counted. A refused request's body is not on record, so a refusal by a limit is put to the limits
/// as a request of no tokens. A model counts by its canonical name.
package final class PolicyReplay {
  private let policy: PolicySnapshot
  private let limits: PolicyLimits
  private var table: QuotaTable
  /// Let through by both policies and not completed yet, by request id.
  private var open: [String: OpenAdmission] = [:]
  private var hasBegun = false
  /// What was found so far; complete when the last record was applied.
  package private(set) var report = ReplayReport()

  /// `policy`: the one to decide by. Its counters begin with the first checkpoint that is applied.
  package init(_ policy: PolicySnapshot) {
    self.policy = policy
    limits = PolicyLimits(policy)
    table = QuotaTable(limits.catalog)
  }

  deinit {
    for admission in open.values { admission.take()?.leaveToRecovery() }
  }

  /// The ledger's next record.
  package func apply(_ record: LedgerRecord) {
    switch record.body {
    case .checkpoint(let checkpoint):
      if !hasBegun { begin(checkpoint, timeMs: record.timeMs) }
      hasBegun = true
    case .admission(let admission):
      // One that is written again after a failure may be in the first checkpoint already.
      if open[admission.value.requestID] == nil {
        decide(admission.value, seq: record.seq, timeMs: record.timeMs)
      }
    case .completion(let completion):
      complete(completion.value, timeMs: record.timeMs)
    case .denials(let denials):
      report.leaveOut(denials.reason, count: denials.count)
    case .clock(let jump):
      // One that is written again after a failure is before its checkpoint.
      if let fromMs = jump.fromMs, !record.isCarried {
        table.step(from: fromMs, to: record.timeMs)
      }
    case .start, .reload, .repair, .stop, .store, .threshold, .drop, .restore, .revoke: break
    }
  }

  /// Goes on from the counters of the oldest checkpoint there is, under the new amounts.
  private func begin(_ checkpoint: Checkpoint, timeMs: Int64) {
    do throws(RecoveryError) {
      try table.restore(checkpoint.counters, now: timeMs)
    } catch {
      report.lacksCounters = true
    }
    table.clockRuns(since: checkpoint.clockSinceMs ?? timeMs)
    table.configure(limits.catalog, now: timeMs)
    for exchange in checkpoint.open {
      open[exchange.admission.requestID] = OpenAdmission(
        reopening: exchange, limits, table.reopen(exchange.admission, now: timeMs))
    }
  }

  private func decide(_ admission: Admission, seq: Int64, timeMs: Int64) {
    let request = Request(record: admission, seq: seq, timeMs: timeMs)
    let was: ReplayedDecision
    switch admission.decision {
    case .allow: was = .allow
    case .deny:
      was = .deny(reason: admission.reason ?? "other", limit: admission.limit)
      guard admission.tenant != nil, let code = request.refusal, Self.dependsOnPolicy(code) else {
        return report.leaveOut(admission.reason ?? "other", count: 1)
      }
    }
    report.add(
      admission.requestID, tenant: admission.tenant, was: was, would: decision(request))
  }

  /// Whether a refusal can be decided again from its record. A refused model is not on record, and a
  /// fault of the request itself is one under any policy.
  private static func dependsOnPolicy(_ code: RefusalCode) -> Bool {
    switch code {
    case .rateLimitExceeded, .insufficientQuota, .tenantMismatch, .pathNotAllowed, .unknownPath:
      true
    case .invalidJSON, .missingModel, .duplicateKey, .invalidValue, .unsupportedParameter,
      .previousResponseNotFound, .unsupportedUpgrade, .invalidAPIKey, .modelNotFound,
      .methodNotAllowed, .requestTooLarge, .tooManyHeaders, .unsupportedEncoding,
      .unsupportedMediaType, .overloaded, .ledgerUnavailable, .storeUnavailable,
      .gatewayMisconfigured:
      false
    }
  }
}

// MARK: - One request

extension PolicyReplay {
  /// A recorded decision.
  private struct Request {
    let record: Admission
    let seq: Int64
    let timeMs: Int64

    var refusal: RefusalCode? { record.reason.flatMap(RefusalCode.init(rawValue:)) }
    /// Refused before its body was looked at.
    var isWithoutBody: Bool {
      switch refusal {
      case .tenantMismatch, .pathNotAllowed, .unknownPath: true
      default: false
      }
    }
  }

  private func decision(_ request: Request) -> ReplayedDecision {
    guard let identity = identity(request) else { return Self.deny(.invalidAPIKey) }
    if let elsewhere = place(request, identity) { return elsewhere }
    let route = Array((request.record.route ?? "").utf8)
    var model: Model?
    switch policy.match(path: route.span) {
    case .unknown: return Self.deny(.unknownPath)
    case .modelList, .modelDetail:
      return reserve(
        request, identity, nil,
        limits.ownAnswerSet(tenant: identity.tenant, keyIndex: identity.keyIndex))
    case .custom(let index):
      guard identity.tenant.route(forCustomPath: index) != nil else {
        return Self.deny(.unknownPath)
      }
    case .endpoint(let endpoint, _):
      guard let allowed = identity.tenant.models(at: endpoint) else {
        return Self.deny(.pathNotAllowed)
      }
      if let name = request.record.model.map({ Array($0.utf8) }) {
        guard let found = policy.model(named: name.span),
          ModelAccess(policy, identity).mayUse(found, at: endpoint, allowed: allowed)
        else { return Self.deny(.modelNotFound) }
        model = found
      } else if request.record.decision == .allow || request.isWithoutBody {
        // It passed uninspected, or was refused before: whether its body would do is not on record.
        return Self.unsure(.modelNotFound)
      }
    }
    return reserve(
      request, identity, model,
      limits.set(tenant: identity.tenant, keyIndex: identity.keyIndex, model: model))
  }

  /// The caller, if the policy still knows it.
  private func identity(_ request: Request) -> Identity? {
    let name = Array((request.record.tenant ?? "").utf8)
    guard let tenant = policy.tenant(named: name.span) else { return nil }
    guard let keyID = request.record.keyID else {
      let subject = Array((request.record.subject ?? "").utf8)
      // A token's claims, or else a certificate's principal, which is then the subject.
      let isKnown =
        !policy.jwt.isEmpty
        || policy.clientCertificates && policy.tenant(ofPrincipal: subject.span) === tenant
      return isKnown ? Identity(tenant: tenant, subject: subject, keyIndex: nil) : nil
    }
    guard let index = tenant.keys.firstIndex(where: { $0.id.string == keyID }) else { return nil }
    let key = tenant.keys[index]
    if key.disabled { return nil }
    if let expires = key.expiresSeconds, expires <= request.timeMs / 1000 { return nil }
    return Identity(tenant: tenant, subject: key.subject.bytes, keyIndex: index)
  }

  /// Why the host would not do; nil where it would.
  private func place(_ request: Request, _ identity: Identity) -> ReplayedDecision? {
    guard let hostname = request.record.hostname, hostname != "other" else {
      return policy.namesSharedHosts ? Self.unsure(.tenantMismatch) : nil
    }
    switch policy.owner(ofHost: Array(hostname.utf8).span) {
    case .shared: return nil
    case .tenant(let index) where index == identity.tenant.index: return nil
    case .tenant, .nobody: return Self.deny(.tenantMismatch)
    }
  }

  private static func deny(_ code: RefusalCode) -> ReplayedDecision {
    .deny(reason: code.rawValue, limit: nil)
  }

  private static func unsure(_ code: RefusalCode, limit: String? = nil) -> ReplayedDecision {
    .unsure(reason: code.rawValue, limit: limit)
  }
}

// MARK: - Limits

extension PolicyReplay {
  /// The name under which a report lists a model's `max_output_tokens` where that decides.
  package static let outputBoundName = "max_output_tokens"

  private func reserve(
    _ request: Request, _ identity: Identity, _ model: Model?, _ set: LimitSet
  ) -> ReplayedDecision {
    let record = request.record
    if record.decision == .deny { report.withoutDemand += 1 }
    var demand = Demand(
      promptTokens: max(0, record.estimatedPromptTokens ?? 0),
      completionTokens: max(0, record.reservedCompletionTokens ?? 0), isBoundStated: true,
      prices: model?.prices ?? .free)
    var doubt: ReplayedDecision?
    if let model, let most = model.maxOutputTokens, demand.completionTokens > most {
      // Whether the client stated this bound is not on record. If it did, the request is refused; if not,
      // Tollgate lowers it; and it may be the sum of several choices.
      if model.requests.boundAbove == .refuse {
        doubt = Self.unsure(.invalidValue, limit: Self.outputBoundName)
      }
      (demand.completionTokens, demand.completionTokensMost) = (Int64(most), Int64(most))
    }
    let caller = Caller(identity)
    switch table.reserve(set, caller: caller, demand: demand, now: request.timeMs) {
    case .admitted(let reservation):
      hold(request, reservation)
      return doubt ?? .allow
    case .refused(let refusal):
      guard refusal.verdict == .neverFits, demand.completionTokens > 0 else {
        return Self.deny(refusal, request)
      }
      // If the client stated no bound, Tollgate would lower it until it fits.
      demand.isBoundStated = false
      doubt = doubt ?? Self.unsure(.rateLimitExceeded, limit: refusal.decisive.rule.name)
    case .asks: preconditionFailure("a replay shares its limits with nobody")
    }
    switch table.reserve(set, caller: caller, demand: demand, now: request.timeMs) {
    case .admitted(let reservation):
      hold(request, reservation)
      return doubt ?? .allow
    case .refused(let refusal): return Self.deny(refusal, request)
    case .asks: preconditionFailure("a replay shares its limits with nobody")
    }
  }

  private static func deny(_ refusal: QuotaRefusal, _ request: Request) -> ReplayedDecision {
    .deny(
      reason: Refusal(refusal, nowMs: request.timeMs).code.rawValue,
      limit: refusal.decisive.rule.name)
  }

  /// Keeps the reservation until the completion's record. A refused request has none: it is settled at
  /// once as a request of no tokens.
  private func hold(_ request: Request, _ reservation: consuming Reservation) {
    guard request.record.decision == .allow else {
      _ = table.settle(reservation, as: .requestOnly, now: request.timeMs)
      return
    }
    open[request.record.requestID] = OpenAdmission(
      reopening: OpenExchange(
        seq: request.seq, timeMs: request.timeMs, admission: request.record),
      limits, reservation)
  }

  /// Charged as it ended, by the rule that every exchange is settled by, at this policy's prices.
  private func complete(_ completion: Completion, timeMs: Int64) {
    guard let admission = open.removeValue(forKey: completion.requestID),
      let reservation = admission.take()
    else { return }
    let outcome = Ending(of: completion).outcome(
      of: admission, metered: MeteredUsage(of: completion), by: TokenEstimator())
    _ = table.settle(reservation, as: outcome.settlement, now: timeMs)
  }
}
