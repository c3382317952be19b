import Books
import Bytes
import Gateway
import Ledger
import Log
import Policy
import Terms

/// The log lines of a process that serves, one for each thing that an operator must know.
extension Logger {
  /// The process has started: its version, its settings, and where its ledger goes on. Also what
  /// recovery found.
  ///
  /// `statistics`: the ledger's, nil where it is not known.
  package func started(
    _ settings: ServeSettings, _ policy: PolicySnapshot, _ found: Books.Found,
    _ statistics: LedgerStatistics? = nil
  ) {
    let ledger = settings.books.ledger
    let bound = statistics?.diskBytesMax ?? ledger.ledgerBytesMax
    let hours = bound.flatMap { bound in
      statistics?.bytesPerHour.flatMap { $0 > 0 ? bound / $0 : nil }
    }
    let head =
      found.headSeq == 0
      ? "a new ledger" : "the ledger goes on after record \(found.headSeq)"
    log(
      .info, .started,
      "tollgate \(Version.string) starts: \(head)" + Self.room(bound, hours: hours),
      [
        .version: .text(Version.string), .pid: .integer(Kernel.processID()),
        .policyRevision: .text(policy.revision), .data: .text(settings.books.directory),
        .ledgerSeq: .integer(found.headSeq), .ledgerHash: .optional(found.headHash),
        .interrupted: .integer(found.interrupted),
        .durability: .text(ledger.durability.rawValue), .retainSeconds: .seconds(ledger.retain),
        .ledgerBytesMax: .optional(bound), .ledgerHours: .optional(hours),
        .ledgerFull: .text(ledger.whenFull.rawValue),
        .workers: .integer(settings.server.workers), .watches: .flag(settings.watches),
        .drainTimeoutSeconds: .seconds(settings.server.drainTimeout),
        .logLevel: .text(settings.logLevel.rawValue),
      ])
    for end in found.torn { torn(end) }
    if found.wasRepaired {
      log(
        .warning, .ledgerRepaired,
        "the ledger was damaged: a new chain begins, the old files are kept")
    }
    if found.interrupted > 0 {
      log(
        .warning, .exchangesInterrupted,
        "\(found.interrupted) exchange\(found.interrupted == 1 ? " was" : "s were")"
          + " open when the last process ended: closed",
        [.count: .integer(found.interrupted)])
    }
  }

  /// How large the ledger may grow, and how long that lasts.
  private static func room(_ bound: Int64?, hours: Int64?) -> String {
    guard let bound else { return "; it may grow without a bound" }
    let size = "; it may grow to \(ByteSizeText.rounded(bound))"
    guard let hours else { return size }
    return size + ", which holds \(hours) hours at the last hour's rate"
  }

  /// Somebody else removed old segments of the ledger.
  package func segmentsGone(_ segments: [Segment]) {
    guard let first = segments.first else { return }
    let others = segments.count == 1 ? "" : " and \(segments.count - 1) more"
    log(
      .error, .ledgerSegmentsGone,
      "\(first.name)\(others) of the ledger were not removed by Tollgate and are gone: no counter"
        + " depends on them, but their records are lost, and `audit verify` may miss them",
      [.file: .text(first.name), .count: .integer(segments.count)])
  }

  /// The machine's clock was set, while the process runs or before it started.
  package func clockSteps(_ jumps: [ClockJump]) {
    for jump in jumps {
      let (from, to) = (UTCTime.string(jump.wallMs &- jump.jumpMs), UTCTime.string(jump.wallMs))
      log(
        .warning, .clockStepped,
        "the machine's clock was set \(jump.jumpMs < 0 ? "back" : "ahead") by "
          + "\(jump.jumpMs.magnitude / 1000) s, from \(from) to \(to): limits refill by the "
          + "time that passes, calendar windows go by the new time",
        [.from: .text(from), .to: .text(to), .jumpSeconds: .seconds(.milliseconds(jump.jumpMs))])
    }
  }

  /// What a crash left behind the last valid record was put aside.
  private func torn(_ end: TornEnd) {
    let whole =
      switch (end.firstSeq, end.lastSeq) {
      case (let first?, let last?):
        "\(end.recordCount) whole record\(end.recordCount == 1 ? "" : "s") (\(first) to \(last))"
      default: "no whole record"
      }
    let kept = end.keptIn ?? end.file
    log(
      .warning, .ledgerTorn,
      "the ledger's torn end was put aside in \(kept): \(end.byteCount) bytes from offset "
        + "\(end.offset) of \(end.file), with \(whole)",
      [
        .file: .text(kept), .place: .text("\(end.file):\(end.offset)"),
        .bytes: .integer(end.byteCount), .count: .integer(end.recordCount),
        .ledgerSeq: .optional(end.firstSeq), .lastLedgerSeq: .optional(end.lastSeq),
      ])
  }

  /// Serving cannot begin.
  package func startFailed(_ problem: String) {
    log(.error, .startFailed, problem, [.error: .text(problem)])
  }

  /// The admin server listens on `address`.
  package func listens(_ address: ListenAddress, for scope: AdminScope) {
    log(
      .info, .listening,
      scope == .probes ? "probes and metrics are on \(address)" : "the page is on \(address)",
      [.listen: .text(address.description)])
  }

  /// A line for each address, then one that says that requests are answered.
  package func ready(
    _ addresses: [ListenAddress], _ revision: String, _ summary: PolicySummary, workers: Int
  ) {
    for address in addresses {
      log(.info, .listening, "listening on \(address)", [.listen: .text(address.description)])
    }
    let places = addresses.map(\.description).joined(separator: ", ")
    log(
      .info, .ready,
      "tollgate \(Version.string) is ready on \(places): policy \(revision) with \(summary); "
        + "\(workers) worker\(workers == 1 ? "" : "s")",
      [
        .policyRevision: .text(revision), .tenants: .integer(summary.tenants),
        .models: .integer(summary.models), .keys: .integer(summary.keys),
        .limits: .integer(summary.limits),
      ])
  }

  /// Refused requests, one line for each tenant and reason. A reason that only the operator can
  /// remove is a warning.
  package func refused(_ summaries: [RefusalSummary]) {
    for summary in summaries {
      let level: LogLevel =
        Self.operatorsReasons.contains(summary.reason) ? .warning : .info
      let whose = summary.tenant ?? "no tenant"
      log(
        level, .requestsRefused,
        "\(summary.count) request\(summary.count == 1 ? "" : "s") of \(whose) refused: "
          + summary.reason,
        [
          .tenant: .optional(summary.tenant), .reason: .text(summary.reason),
          .count: .integer(summary.count),
          .windowSeconds: .seconds(.milliseconds(summary.windowMs)),
        ])
    }
  }

  /// The reasons that are the gateway's fault and not the caller's.
  private static let operatorsReasons: Set<String> = [
    RefusalCode.gatewayMisconfigured.rawValue, RefusalCode.ledgerUnavailable.rawValue,
    RefusalCode.storeUnavailable.rawValue, RefusalCode.overloaded.rawValue,
  ]

  /// A key was revoked by `tollgate revoke`, or is accepted again; or neither, where that failed.
  package func revoked(
    _ tenant: String, _ keyID: String, undoes: Bool, _ answer: ControlAnswer
  ) {
    guard case .done(let text) = answer else { return }
    log(
      .warning, undoes ? .keyAccepted : .keyRevoked, text,
      [.tenant: .text(tenant), .keyID: .text(keyID)])
  }

  /// The socket in the data directory cannot be had.
  package func controlUnavailable(_ problem: String) {
    log(
      .warning, .controlUnavailable,
      "`tollgate revoke` cannot reach this process: \(ControlSocket.name) in the data directory: \(problem)",
      [.error: .text(problem)])
  }

  /// The last records of the ledger could not be written.
  package func ledgerCloseFailed() {
    log(
      .error, .ledgerCloseFailed,
      "the ledger could not be written to its end; the next start closes it")
  }

  /// The last line: the process ends with that status.
  package func stopped(status: Int32) {
    log(
      .info, .stopped, status == 0 ? "stopped" : "stopped, and not everything was finished",
      [.status: .integer(Int(status))])
  }
}
