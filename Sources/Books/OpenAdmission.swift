import Ledger
import Quota
import Terms

/// What is to be admitted: which limits it must pass, for whom, how large it is, and its record as
/// far as it is known.
package struct AdmissionRequest {
  package var limits: LimitSet
  package var caller: Caller
  /// nil where nothing is known of what it uses: an uninspected path, an answer of Tollgate's own.
  package var size: RequestSize?
  /// The model's; nil where it has none.
  package var prices: Prices?
  /// Whether its answer says what was used; if it does not say, it is estimated.
  package var isMetered: Bool
  /// What is reserved is filled in.
  package var record: Admission

  package init(
    limits: LimitSet, caller: Caller, size: RequestSize?, prices: Prices?, isMetered: Bool,
    record: Admission
  ) {
    self.limits = limits
    self.caller = caller
    self.size = size
    self.prices = prices
    self.isMetered = isMetered
    self.record = record
  }
}

/// An exchange that is on record and not settled: its reservation has one owner, here. All of it is
/// the books' to touch, under their lock; the exchange hands it back to be settled.
package final class OpenAdmission: @unchecked Sendable {
  package let seq: Int64
  /// Numbers of admissions that failed are given out again: see `Books.RecordOutcome`.
  package let epoch: Int
  /// When it was admitted, by the ledger's clock.
  package let timeMs: Int64
  package let request: AdmissionRequest
  /// Money that was reserved, of an exchange that another process admitted: what is charged where
  /// its model has no price any more.
  let reservedNanos: Int64
  private var reservation: Reservation?

  /// The admission's record.
  package var record: Admission { request.record }

  package init(
    _ request: AdmissionRequest, seq: Int64, epoch: Int = 0, timeMs: Int64,
    reservedNanos: Int64 = 0, _ reservation: consuming Reservation
  ) {
    self.request = request
    self.seq = seq
    self.epoch = epoch
    self.timeMs = timeMs
    self.reservedNanos = reservedNanos
    self.reservation = consume reservation
  }

  /// One that a ledger's records leave open: of its request there is what the record says.
  package convenience init(
    reopening exchange: OpenExchange, _ limits: PolicyLimits,
    _ reservation: consuming Reservation
  ) {
    let record = exchange.admission
    let request = AdmissionRequest(
      limits: limits.noLimits,
      caller: Caller(
        tenant: record.tenant ?? "", keyID: record.keyID, subject: record.subject ?? ""),
      size: nil, prices: record.model.flatMap { limits.prices(ofModel: $0) },
      // Nothing is known of what an uninspected path uses.
      isMetered: record.model != nil, record: record)
    self.init(
      request, seq: exchange.seq, timeMs: exchange.timeMs,
      reservedNanos: reservation.most(of: .usd), reservation)
  }

  /// The reservation, once: nil when it was settled or undone before.
  package func take() -> Reservation? { reservation.take() }
}
