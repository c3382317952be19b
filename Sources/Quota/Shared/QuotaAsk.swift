/// What a request waits for: the store is asked, and the request is tried again, once, by
/// `reserve(… asked:)`. Whoever does not try again withdraws it.
package struct QuotaAsk: Sendable, Equatable {
  /// Counts up within a process, in the order in which requests began to wait.
  package let id: UInt64
  /// What the request demands, also when it is tried again.
  package let demand: Demand
}

/// A call that is to be sent to the store, and answered by `answered` or `unanswered`.
package struct StatementCallUnderWay: Sendable, Equatable {
  package let id: UInt64
  package let call: StatementCall
}
