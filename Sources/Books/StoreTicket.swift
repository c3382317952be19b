import Quota

/// An exchange that waits for the store: it is told, once, that the store has answered or that its
/// time is over, and then calls `Books.admit(again:)`. One that does not come to that calls
/// `Books.withdraw`.
package final class StoreTicket: Sendable {
  package let ask: QuotaAsk
  /// What is asked again.
  package let request: AdmissionRequest

  package init(ask: QuotaAsk, request: AdmissionRequest) {
    self.ask = ask
    self.request = request
  }

  /// By which the exchange is told.
  package var id: UInt64 { ask.id }
  /// The output that it demands, also when it is asked again: it may be written into the request.
  package var completionTokens: Int64 { ask.demand.completionTokens }
}
