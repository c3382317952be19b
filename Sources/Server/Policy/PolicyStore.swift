internal import Gateway
package import Policy

/// The policy in force and how it is replaced: read, validated whole, and only then taken; or the old one stays.
/// Belongs to the watcher's thread once that runs.
package final class PolicyStore {
  /// What a reload came to.
  package enum Outcome: Equatable {
    case replaced
    case unchanged
    case refused
  }

  /// Reloads so far, for the metrics.
  package struct Counts: Equatable, Sendable {
    package var replaced = 0
    package var refused = 0
  }

  package let path: String
  private(set) package var policy: PolicySnapshot
  private(set) package var counts = Counts()
  private let log: Logger
  /// The bytes of the policy in force.
  private var sources: [PolicySource]
  /// The bytes or the fault that were last refused: a poll says them once.
  private var lastRefused: Refused?

  private enum Refused: Equatable {
    case unreadable(PolicyReader.Problem)
    case invalid(names: [String], bytes: [[UInt8]])
  }

  /// Why there is no policy to begin with: lines for the operator.
  package struct StartProblem: Error {
    package let lines: [String]
  }

  /// Loads the first policy. Warnings are returned with it.
  package static func open(
    path: String, log: Logger, nowSeconds: Int64
  ) throws(StartProblem) -> (store: PolicyStore, warnings: [PolicyProblem]) {
    let sources: [PolicySource]
    do {
      sources = try PolicyReader.read(path)
    } catch {
      throw StartProblem(lines: [error.description])
    }
    let (policy, problems) = PolicyLoader.load(sources, nowSeconds: nowSeconds)
    guard let policy else { throw StartProblem(lines: problems.map(\.description)) }
    return (PolicyStore(path: path, policy: policy, sources: sources, log: log), problems)
  }

  private init(path: String, policy: PolicySnapshot, sources: [PolicySource], log: Logger) {
    self.path = path
    self.policy = policy
    self.sources = sources
    self.log = log
    log.follow(policy.logLevel.map { GatewayLogLevel($0) })
  }

  /// Reads the policy again. `isAsked`: somebody waits for an answer, so a refusal is said again even when nothing has changed since.
  package func reload(nowSeconds: Int64, isAsked: Bool) -> Outcome {
    let fresh: [PolicySource]
    do {
      fresh = try PolicyReader.read(path)
    } catch {
      return refuse(.unreadable(error), error, [], isAsked: isAsked)
    }
    if Self.same(fresh, sources) {
      lastRefused = nil
      if isAsked { log.policyUnchanged(policy) }
      return .unchanged
    }
    let asRefused = Refused.invalid(names: fresh.map(\.name), bytes: fresh.map(\.bytes))
    if !isAsked, asRefused == lastRefused { return .unchanged }
    let (next, problems) = PolicyLoader.load(fresh, nowSeconds: nowSeconds)
    guard let next else {
      return refuse(asRefused, nil, problems, isAsked: isAsked)
    }
    log.policyWarnings(problems)
    log.policyReplaced(policy, by: next)
    log.follow(next.logLevel.map { GatewayLogLevel($0) })
    policy = next
    sources = fresh
    lastRefused = nil
    counts.replaced += 1
    return .replaced
  }

  private func refuse(
    _ fault: Refused, _ reading: PolicyReader.Problem?, _ problems: [PolicyProblem], isAsked: Bool
  ) -> Outcome {
    if !isAsked, fault == lastRefused { return .unchanged }
    lastRefused = fault
    counts.refused += 1
    log.policyRefused(reading, problems, stays: policy, refusedSoFar: counts.refused)
    return .refused
  }

  private static func same(_ a: [PolicySource], _ b: [PolicySource]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.name == $1.name && $0.bytes == $1.bytes }
  }
}
