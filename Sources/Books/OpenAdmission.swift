import Ledger
import Quota

/// An exchange that is on record and not settled: its reservation has one owner, here. All of it is
/// the books' to touch, under their lock.
package final class OpenAdmission: @unchecked Sendable {
  package let seq: Int64
  /// Numbers of admissions that failed are given out again: see `Books.News`.
  package let epoch: Int
  package let timeMs: Int64
  package let record: Ledger.Admission
  private var reservation: Reservation?

  package init(
    seq: Int64, epoch: Int, timeMs: Int64, record: Ledger.Admission,
    reservation: consuming Reservation
  ) {
    self.seq = seq
    self.epoch = epoch
    self.timeMs = timeMs
    self.record = record
    self.reservation = consume reservation
  }

  /// The reservation, once: nil when it was settled or undone before.
  package func take() -> Reservation? { reservation.take() }
}
