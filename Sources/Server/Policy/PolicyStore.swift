import Log
import Metrics
import Policy

/// The policy in force, and how it is replaced: a new one is read and validated as a whole before
/// it takes the place of the old one, which stays where anything is wrong.
///
/// On the policy watcher's thread, to which it is handed over when it was opened.
package final class PolicyStore {
  /// How a reload ended.
  package enum Outcome: Equatable {
    case replaced
    case unchanged
    case refused
  }

  /// Where the policy is: a file or a directory.
  package let path: String
  /// The policy in force.
  private(set) package var policy: PolicySnapshot
  /// What the page and the metrics say of it.
  private(set) package var status: PolicyStatus
  private let log: Logger
  /// The bytes of the policy in force.
  private var sources: [PolicySource]
  /// What was refused last, so that a poll does not log the same refusal again.
  private var lastRefused: Refused?

  private enum Refused: Equatable {
    case unreadable(PolicyReader.Problem)
    case invalid(names: [String], bytes: [[UInt8]])
  }

  /// Why the first policy cannot be used.
  package struct StartProblem: Error {
    /// Why its files could not be read; nil where they were.
    let fault: PolicyReader.Problem?
    /// What is wrong in the files.
    let problems: [PolicyProblem]

    /// One line for each problem, as `tollgate check` prints them.
    package var lines: [String] {
      (fault.map { [$0.description] } ?? []) + problems.map(\.description)
    }
  }

  /// Reads the first policy; returns its warnings too.
  package static func open(
    path: String, log: Logger, nowMs: Int64
  ) throws(StartProblem) -> (store: PolicyStore, warnings: [PolicyProblem]) {
    let sources: [PolicySource]
    do {
      sources = try PolicyReader.read(path)
    } catch {
      throw StartProblem(fault: error, problems: [])
    }
    let (policy, problems) = PolicyLoader.load(sources, nowSeconds: nowMs / 1000)
    guard let policy else { throw StartProblem(fault: nil, problems: problems) }
    let status = PolicyStatus(
      revision: policy.revision, loadedAtMs: nowMs, tenants: policy.tenants.count,
      models: policy.models.count, warnings: lines(problems, .warning))
    let store = PolicyStore(
      path: path, policy: policy, status: status, sources: sources, log: log)
    return (store, problems)
  }

  private init(
    path: String, policy: PolicySnapshot, status: PolicyStatus, sources: [PolicySource], log: Logger
  ) {
    self.path = path
    self.policy = policy
    self.status = status
    self.sources = sources
    self.log = log
    log.follow(policy.logLevel)
  }

  /// Reads the policy again. With `isAsked` somebody waits for what the log says, so an unchanged
  /// policy and the same refusal as before are logged too.
  package func reload(nowMs: Int64, isAsked: Bool) -> Outcome {
    let fresh: [PolicySource]
    status.lastAttemptMs = nowMs
    do {
      fresh = try PolicyReader.read(path)
    } catch {
      return refuse(.unreadable(error), error, [], isAsked: isAsked)
    }
    if Self.same(fresh, sources) {
      lastRefused = nil
      status.problems = []
      if isAsked {
        status.unchanged += 1
        log.policyUnchanged(policy)
      }
      return .unchanged
    }
    let asRefused = Refused.invalid(names: fresh.map(\.name), bytes: fresh.map(\.bytes))
    if !isAsked, asRefused == lastRefused { return .unchanged }
    let (next, problems) = PolicyLoader.load(fresh, nowSeconds: nowMs / 1000)
    guard let next else {
      return refuse(asRefused, nil, problems, isAsked: isAsked)
    }
    log.policyWarnings(problems)
    log.policyReplaced(policy, by: next)
    log.follow(next.logLevel)
    policy = next
    sources = fresh
    lastRefused = nil
    status.revision = next.revision
    status.generation += 1
    status.loadedAtMs = nowMs
    status.replaced += 1
    status.tenants = next.tenants.count
    status.models = next.models.count
    status.problems = []
    status.warnings = Self.lines(problems, .warning)
    return .replaced
  }

  private func refuse(
    _ fault: Refused, _ reading: PolicyReader.Problem?, _ problems: [PolicyProblem], isAsked: Bool
  ) -> Outcome {
    if !isAsked, fault == lastRefused { return .unchanged }
    lastRefused = fault
    status.refused += 1
    status.problems = (reading.map { [$0.description] } ?? []) + Self.lines(problems, .error)
    log.policyRefused(reading, problems, stays: policy, refusedSoFar: status.refused)
    return .refused
  }

  /// The problems of that severity as text, as many as the log has lines for.
  private static func lines(
    _ problems: [PolicyProblem], _ severity: PolicyProblem.Severity
  ) -> [String] {
    problems.filter { $0.severity == severity }.prefix(Logger.problemsMax).map(\.description)
  }

  private static func same(_ a: [PolicySource], _ b: [PolicySource]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.name == $1.name && $0.bytes == $1.bytes }
  }
}
