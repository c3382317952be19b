import Bytes
import Policy
import Server

/// Reads a policy for a command and prints its problems.
enum PolicyFile {
  /// The policy at `path`; nil where it cannot be used. Errors and warnings are printed.
  static func load(_ path: String) -> PolicySnapshot? {
    let sources: [PolicySource]
    do {
      sources = try PolicyReader.read(path)
    } catch {
      Console.diagnose("tollgate: \(error)")
      return nil
    }
    let now = SystemClock.wallNanoseconds() / 1_000_000_000
    let (policy, problems) = PolicyLoader.load(sources, nowSeconds: now)
    for problem in problems { Console.diagnose(problem.description) }
    if policy == nil {
      let errors = problems.count { $0.severity == .error }
      Console.diagnose("\(path): \(errors) \(errors == 1 ? "error" : "errors")")
    }
    return policy
  }

  /// What a policy holds, in a few words.
  static func summary(_ policy: PolicySnapshot) -> String {
    let keys = policy.tenants.reduce(0) { $0 + $1.keys.count }
    return "revision \(policy.revision), \(Counted.text(policy.tenants.count, "tenant")), "
      + "\(Counted.text(keys, "key")), \(Counted.text(policy.models.count, "model"))"
  }
}
