import Quota

/// Who speaks to the store, and what it knows.
package struct StoreCaller: Sendable {
  package var holder: Holder
  /// Random, made by each process when it starts: tells two copies of a ledger apart that have the
  /// same start number.
  package var nonce: UInt32
  /// `run_id` of the master that the call is sent to.
  package var runID: String
  /// Whom this process saw alive within the lease's time, by views that were complete
  /// (`FleetView.isComplete`), itself among them. Empty where it has seen no such view.
  package var alive: [Holder]
  package var leaseMilliseconds: Int64

  package init(
    holder: Holder, nonce: UInt32, runID: String, alive: [Holder], leaseMilliseconds: Int64
  ) {
    self.holder = holder
    self.nonce = nonce
    self.runID = runID
    self.alive = alive
    self.leaseMilliseconds = leaseMilliseconds
  }

  var nonceDigits: String {
    let digits = String(nonce, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
