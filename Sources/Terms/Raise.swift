/// What a limit gives more between two instants, in Unix milliseconds: from `fromMs` (included) to
/// `untilMs` (not included). Once in each calendar window that it touches.
package struct Raise: Sendable, Hashable {
  /// In the limit's own unit; at least 1.
  package let add: Int64
  package let fromMs: Int64
  package let untilMs: Int64

  package init(add: Int64, fromMs: Int64, untilMs: Int64) {
    self.add = add
    self.fromMs = fromMs
    self.untilMs = untilMs
  }

  package func contains(_ time: Int64) -> Bool { fromMs <= time && time < untilMs }
}

extension [Raise] {
  /// What they add to `amount` at that moment; `.max` where that does not fit.
  package func amount(_ amount: Int64, at time: Int64) -> Int64 {
    var sum = amount
    for raise in self where raise.contains(time) {
      let (next, overflow) = sum.addingReportingOverflow(raise.add)
      sum = overflow ? .max : next
    }
    return sum
  }

  /// When one of them begins or ends next after that moment; nil where none does.
  package func nextEdge(after time: Int64) -> Int64? {
    var next: Int64?
    for raise in self {
      for edge in [raise.fromMs, raise.untilMs] where edge > time {
        next = Swift.min(next ?? edge, edge)
      }
    }
    return next
  }
}
