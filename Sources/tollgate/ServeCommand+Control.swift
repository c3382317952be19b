import Books
import Gateway
import Log
import Server

/// What a running `tollgate serve` is asked by other commands.
extension ServeCommand {
  /// The policy that new exchanges use.
  static func inForce(_ opened: Opened, _ handle: ServerHandle) -> PolicyInForce {
    guard let policy = opened.first.compiled?.snapshot, let limits = opened.first.limits else {
      preconditionFailure("the first policy is forgotten later")
    }
    return PolicyInForce(policy, limits, books: opened.books) { handle.use($0) }
  }

  /// Opens the socket in the data directory. Where that fails, everything but `tollgate revoke` works: nil,
  /// and the log says so.
  static func openControl(
    _ settings: ServeSettings, _ force: PolicyInForce, _ log: Logger
  ) -> ControlSocket? {
    do {
      return try ControlSocket(directory: settings.books.directory, log: log) { request in
        switch request {
        case .revoke(let tenant, let keyID, let undoes):
          let answer = force.revoke(tenant: tenant, keyID: keyID, undoes: undoes)
          log.revoked(tenant, keyID, undoes: undoes, answer)
          return answer
        }
      }
    } catch {
      log.controlUnavailable("\(error)")
      return nil
    }
  }
}
