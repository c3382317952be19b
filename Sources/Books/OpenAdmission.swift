import Ledger
import Quota
import Terms

/// What an exchange asks the books to admit: its limits, its caller, its size, and its record.
package struct AdmissionRequest {
  /// The limits that it must pass.
  package var limits: LimitSet
  /// Who makes the request.
  package var caller: Caller
  /// Nil where its use of tokens is not known (a path without inspection) or is none (an answer of
  /// Tollgate's own).
  package var size: RequestSize?
  /// The model's prices; nil where it has none.
  package var prices: Prices?
  /// Whether its answer should report usage; if it then reports none, usage is estimated.
  package var isMetered: Bool
  /// The admission's record, to which the books add what is reserved: see `OpenAdmission.record`.
  let record: Reference<Admission>

  package init(
    limits: LimitSet, caller: Caller, size: RequestSize?, prices: Prices?, isMetered: Bool,
    record: Admission
  ) {
    self.limits = limits
    self.caller = caller
    self.size = size
    self.prices = prices
    self.isMetered = isMetered
    self.record = Reference(record)
  }
}

/// An exchange that was admitted and is not settled. It owns the reservation, which the books alone
/// take out, under their lock; the exchange keeps it and gives it to `Books.settle`.
package final class OpenAdmission: @unchecked Sendable {
  /// The `seq` of the admission's record.
  package let seq: Int64
  /// How often a write with admissions in it had failed before. With `seq` it identifies the
  /// admission, because the `seq` of a failed record is used again: see `Books.RecordOutcome`.
  package let epoch: Int
  /// When it was admitted, in Unix milliseconds of the ledger's clock.
  package let timeMs: Int64
  /// When it was admitted, on the clock that counts the time that passes; nil where the process before
  /// admitted it.
  let monotonicMs: Int64?
  /// What was admitted.
  package let request: AdmissionRequest
  /// The money that was reserved, for an exchange that the process before admitted: it is charged
  /// where its model no longer has a price.
  let reservedNanos: Int64
  private var reservation: Reservation?

  /// The admission's record.
  package let record: Reference<Admission>

  /// An admission that has just been queued as a record; a test may make one by itself.
  package init(
    _ request: AdmissionRequest, record: Reference<Admission>? = nil, seq: Int64, epoch: Int = 0,
    timeMs: Int64, monotonicMs: Int64? = nil, reservedNanos: Int64 = 0,
    _ reservation: consuming Reservation
  ) {
    self.request = request
    self.record = record ?? request.record
    self.seq = seq
    self.epoch = epoch
    self.timeMs = timeMs
    self.monotonicMs = monotonicMs
    self.reservedNanos = reservedNanos
    self.reservation = consume reservation
  }

  /// An admission that the ledger's records leave open. What its record does not say of the
  /// request, its size and its limits, is not known any more.
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
      // A path without inspection has no model, and its use of tokens is not known.
      isMetered: record.model != nil, record: record)
    self.init(
      request, seq: exchange.seq, timeMs: exchange.timeMs,
      reservedNanos: reservation.most(of: .usd), reservation)
  }

  /// Takes the reservation out; nil where that was done before.
  package func take() -> Reservation? { reservation.take() }
}
