internal import Gateway
internal import Shipping

/// What the log says of shipping.
extension Logger {
  /// A target has no cursor that can be used; why, where it should have had one.
  func shipBegan(_ target: ShipTarget, because reason: String?) {
    let cause = reason.map { "\($0): it begins" } ?? "begins"
    log(
      reason == nil ? .info : .warning, .shipBegan,
      "shipping to \(target) \(cause) at the oldest record",
      [.target: .text(target.description), .reason: .optional(reason)])
  }

  /// Said at once, and then once in a while.
  func shipFailed(_ target: ShipTarget, _ reason: String) {
    report(
      .warning, .shipFailed, "shipping to \(target): \(reason); it is tried again",
      [.target: .text(target.description), .reason: .text(reason)])
  }

  func shipRestored(_ target: ShipTarget) {
    log(
      .info, .shipRestored, "shipping to \(target) works again",
      [.target: .text(target.description)])
  }

  /// The receiver will never take some records; `words` are its own, made printable.
  func shipRejected(_ target: ShipTarget, _ count: Int, words: String) {
    let said = words.isEmpty ? "" : ": \(words)"
    report(
      count > 0 ? .error : .warning, .shipRejected,
      count > 0
        ? "shipping to \(target): \(count) records are rejected and not shipped again; the ledger keeps them\(said)"
        : "shipping to \(target): the receiver warns\(said)",
      [
        .target: .text(target.description), .count: .integer(count), .reason: .text(words),
      ])
  }

  /// Records are gone that the target never got.
  func shipDropped(_ target: ShipTarget, firstSeq: Int64, lastSeq: Int64) {
    let count = lastSeq - firstSeq + 1
    log(
      .error, .shipDropped,
      "shipping to \(target): \(count) records, \(firstSeq) to \(lastSeq), left the ledger before"
        + " they were shipped",
      [.target: .text(target.description), .count: .integer(count), .ledgerSeq: .integer(firstSeq)])
  }

  /// At the end of the process.
  func shipWaits(_ target: ShipTarget, _ count: Int64) {
    log(
      .warning, .shipWaits, "shipping to \(target): \(count) records wait for the next start",
      [.target: .text(target.description), .count: .integer(count)])
  }
}
