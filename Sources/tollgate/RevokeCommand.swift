import Books
import Gateway
import Ledger
import Policy
import Server

/// `tollgate revoke TENANT/KEY`: has a key refused from now on, by the process that serves from the data
/// directory; or, where none does, by a record that the next start reads.
enum RevokeCommand {
  static let specification = CommandSpecification(
    "revoke",
    "Refuses a key at once and after restarts, whatever the policy says; --undo accepts it again.",
    positionals: [.init("TENANT/KEY")],
    flags: [
      Flag("undo", .toggle, "accept the key again"),
      Flag("data", .value("DIR"), "the data directory", default: "tollgate-data"),
      Flag(
        "policy", .value("PATH"),
        "the policy that has the key; needed only while nobody serves from the directory"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let name = arguments.positionals.first ?? ""
    let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    if !arguments.positionals.isEmpty, parts.count != 2 || parts.contains("") {
      arguments.report(
        .invalid(
          .flag("TENANT/KEY"), value: name, expected: "a tenant and the id of one of its keys"))
    }
    let directory = arguments.text("data") ?? "tollgate-data"
    let undoes = arguments.toggle("undo")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let (tenant, keyID) = (String(parts[0]), String(parts[1]))
    do throws(ControlClient.Problem) {
      let request = ControlRequest.revoke(tenant: tenant, keyID: keyID, undoes: undoes)
      if let answer = try ControlClient.ask(directory, request) { return say(answer) }
    } catch {
      return fail("\(directory)/\(ControlSocket.name): \(error)")
    }
    do throws(DirectoryLock.Problem) {
      if let pid = try DirectoryLock.holder(directory: directory) {
        return fail("process \(pid) serves from \(directory), and does not listen in it yet")
      }
    } catch {
      // Where there is no lock file, nobody ever served.
      guard case .failed(let fault) = error, fault.isMissingFile else { return fail("\(error)") }
    }
    guard let path = arguments.text("policy") else {
      return fail(
        "nobody serves from \(directory): give --policy (or TOLLGATE_POLICY), which says which key it is"
      )
    }
    guard let policy = PolicyFile.load(path) else { return ExitStatus.failed }
    return record(tenant, keyID, undoes: undoes, policy, directory)
  }

  /// Opens the ledger as a start does, adds the record and closes it.
  private static func record(
    _ tenant: String, _ keyID: String, undoes: Bool, _ policy: PolicySnapshot, _ directory: String
  ) -> Int32 {
    var settings = LedgerSettings()
    // Nothing is removed: what `serve` is told to keep is not known here.
    settings.isShipped = true
    let limits = PolicyLimits(policy)
    let event = ProcessEvent(policy: policy.revision, version: Version.string)
    do throws(Books.Problem) {
      let (books, lock, _) = try Books.open(
        Books.Settings(directory: directory, ledger: settings), limits, clock: .system,
        event: event, stateChanged: { _ in })
      defer { withExtendedLifetime(lock) {} }
      let force = PolicyInForce(policy, limits, books: books) { _ in }
      let answer = force.revoke(tenant: tenant, keyID: keyID, undoes: undoes)
      guard books.close(event) else { return fail("the ledger could not be written to its end") }
      return say(answer)
    } catch {
      return fail("\(directory): \(error)")
    }
  }

  private static func say(_ answer: ControlAnswer) -> Int32 {
    switch answer {
    case .done(let text):
      Console.result(text)
      return ExitStatus.done
    case .refused(let text): return fail(text)
    }
  }

  private static func fail(_ text: String) -> Int32 {
    Console.diagnose("tollgate revoke: \(text)")
    return ExitStatus.failed
  }
}
