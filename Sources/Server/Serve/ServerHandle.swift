import Books
import Gateway
import Policy
import Transport

/// What other threads may ask of a server.
///
/// Any thread: everything here is posted to the thread that does it.
package struct ServerHandle: Sendable {
  let mailbox: Mailbox<Server>
  let workers: Workers

  /// Begins the drain, as SIGTERM does; the second time it ends the process at once.
  package func stop() {
    mailbox.post { $0.stopRequested(by: "asked to stop") }
  }

  /// New exchanges use `policy`, on every worker.
  package func use(_ policy: CompiledPolicy) {
    workers.postToAll { $0.router.use(policy) }
  }

  /// What connections, streams and buffers take now of `--max-buffer-bytes`.
  package var bufferBytes: Int { workers.budget.used }

  /// The most of it that was taken at once since this was last asked.
  package func takeBufferPeak() -> Int { workers.budget.takePeak() }

  /// Health checks are told from now on that this process does not serve, so that Envoy asks another.
  package func stopHealth() { tellHealth { $0.stopServing() } }

  /// Health checks are told that this process does not serve yet.
  package func holdHealth() { tellHealth { $0.hold() } }

  /// Health checks are told that it serves, unless it has stopped meanwhile.
  package func serveHealth() { tellHealth { $0.serve() } }

  private func tellHealth(_ change: @escaping @Sendable (HealthService) -> Void) {
    workers.postToAll { loop in
      change(loop.health)
      loop.flushAnswers()
    }
  }

  /// Exchanges that waited for the store ask the books again.
  package func storeAnswered(_ tickets: [UInt64]) {
    workers.postToAll { $0.router.storeAnswered(tickets) }
  }

  /// Tells every worker what became of records.
  package func recordsEnded(_ outcome: Books.RecordOutcome) {
    workers.postToAll { $0.router.recordsEnded(outcome) }
  }
}
