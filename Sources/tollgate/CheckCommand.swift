import Bytes
import Policy
import Server

/// `tollgate check PATH`: validates a policy. Nothing is opened or bound.
enum CheckCommand {
  static let specification = CommandSpecification(
    "check", "Validates a policy: every problem, with its place and its remedy.",
    positionals: [.init("PATH")])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let path = arguments.positionals[0]
    guard let policy = PolicyFile.load(path) else { return ExitStatus.failed }
    Console.result("\(path): ok, \(PolicyFile.summary(policy))")
    return ExitStatus.done
  }
}

/// A policy as a command reads it: problems are printed on the way.
enum PolicyFile {
  /// nil where the policy cannot be used; why is on stderr.
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
