import Ledger
import Log
import Shipping
import Terms

/// The log lines about shipping.
extension Logger {
  /// A target gets everything from the oldest record on, because it has no usable cursor. `reason`
  /// says why where there is one.
  func shipBegan(_ target: ShipTarget, because reason: String?) {
    let cause = reason.map { "\($0): it begins" } ?? "begins"
    log(
      reason == nil ? .info : .warning, .shipBegan,
      "shipping to \(target) \(cause) at the oldest record",
      [.target: .text(target.description), .reason: .optional(reason)])
  }

  /// An attempt has failed. The same line is let through once in ten seconds.
  func shipFailed(_ target: ShipTarget, _ reason: String) {
    report(
      .warning, .shipFailed, "shipping to \(target): \(reason); it is tried again",
      [.target: .text(target.description), .reason: .text(reason)])
  }

  /// A batch was delivered after failures.
  func shipRestored(_ target: ShipTarget) {
    log(
      .info, .shipRestored, "shipping to \(target) works again",
      [.target: .text(target.description)])
  }

  /// The receiver has taken a batch and said something besides; its words are made printable.
  func shipWarned(_ target: ShipTarget, words: String) {
    report(
      .warning, .shipRejected, "shipping to \(target): the receiver warns: \(words)",
      [.target: .text(target.description), .count: .integer(0), .reason: .text(words)])
  }

  /// The receiver refuses `count` records of a batch; `file` has them, or what may be meant, where
  /// they are set aside.
  func shipRejected(
    _ target: ShipTarget, _ count: Int, in batch: ShipBatch, file: String?, words: String
  ) {
    // The record numbers are fields only: lines with the same text count as repetitions.
    report(
      .error, .shipRejected,
      "shipping to \(target): \(count == 1 ? "a record is" : "\(count) records are") refused and"
        + " not shipped\(Self.place(file)): \(words)",
      [
        .target: .text(target.description), .count: .integer(count), .reason: .text(words),
        .ledgerSeq: .optional(batch.lines.first?.head.seq),
        .lastLedgerSeq: .optional(batch.lastSeq),
      ])
  }

  private static func place(_ file: String?) -> String {
    file.map { "; set aside in \($0)" } ?? ""
  }

  /// The receiver refuses messages of that size. Batches become smaller, and nothing is lost.
  func shipShrunk(_ target: ShipTarget, _ bytes: Int, to bytesMax: Int, words: String) {
    report(
      .warning, .shipShrunk,
      "shipping to \(target): a batch of \(bytes) bytes is refused; batches are of at most"
        + " \(bytesMax) bytes from now on: \(words)",
      [.target: .text(target.description), .bytes: .integer(bytes), .reason: .text(words)])
  }

  /// One record alone is larger than the receiver's limit, so the receiver never gets it.
  func shipTooLarge(
    _ target: ShipTarget, _ line: LedgerTail.Line, file: String?, words: String
  ) {
    let (seq, bytes) = (line.head.seq, line.bytes.count + 1)
    log(
      .error, .shipRejected,
      "shipping to \(target): record \(seq) of \(bytes) bytes is refused by itself and not shipped"
        + "\(Self.place(file)); the ledger keeps it. Raise the receiver's message limit (in the OpenTelemetry"
        + " Collector `max_recv_msg_size_mib`) above the largest checkpoint: \(words)",
      [
        .target: .text(target.description), .count: .integer(1), .ledgerSeq: .integer(seq),
        .bytes: .integer(bytes), .reason: .text(words),
      ])
  }

  /// Records do not fit the ledger's hash chain any more, so they are not shipped.
  func shipDamaged(_ target: ShipTarget, _ damage: LedgerTail.Damage) {
    let count = damage.lastSeq - damage.firstSeq + 1
    log(
      .error, .shipDamaged,
      "shipping to \(target): the ledger is damaged, and \(count) records, \(damage.firstSeq) to"
        + " \(damage.lastSeq), are not shipped: \(damage.problem). `tollgate audit verify` shows more",
      [
        .target: .text(target.description), .count: .integer(count),
        .ledgerSeq: .integer(damage.firstSeq), .lastLedgerSeq: .integer(damage.lastSeq),
        .error: .text(damage.problem.description),
      ])
  }

  /// The ledger has removed records that the target never got.
  func shipDropped(_ target: ShipTarget, firstSeq: Int64, lastSeq: Int64) {
    let count = lastSeq - firstSeq + 1
    log(
      .error, .shipDropped,
      "shipping to \(target): \(count) records, \(firstSeq) to \(lastSeq), left the ledger before"
        + " they were shipped",
      [.target: .text(target.description), .count: .integer(count), .ledgerSeq: .integer(firstSeq)])
  }

  /// The process ends with records that the target does not have yet.
  func shipWaits(_ target: ShipTarget, _ count: Int64) {
    log(
      .warning, .shipWaits, "shipping to \(target): \(count) records wait for the next start",
      [.target: .text(target.description), .count: .integer(count)])
  }
}
