import Ledger
import Quota

/// An exchange that is on record and not settled: its reservation has one owner, here. All of it is
/// the books' to touch, under their lock.
package final class OpenAdmission: @unchecked Sendable {
  let seq: Int64
  /// Numbers of admissions that failed are given out again: see `Books.News`.
  let epoch: Int
  let timeMs: Int64
  let record: Ledger.Admission
  private var reservation: Reservation?

  init(
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
  func take() -> Reservation? { reservation.take() }
}
