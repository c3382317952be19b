import Inference
import Ledger
import Quota

/// What the counters know, as the ledger's records say it, and back.
extension Books {
  /// Records that a target of shipping will never be sent some records.
  package func recordDrop(_ drop: Drop) { note(.drop(drop)) }

  static func recorded(_ charge: Quota.Charge) -> Ledger.Charge {
    Ledger.Charge(counter: charge.counter, amount: charge.amount, window: charge.window)
  }

  /// A checkpoint's counters as the engine restores them; a kind that it does not know is left out.
  package static func counters(of checkpoint: Checkpoint) -> [Quota.CounterState] {
    checkpoint.counters.compactMap { state in
      LimitKind(rawValue: state.kind).map { kind in
        Quota.CounterState(
          counter: state.counter, kind: kind,
          fields: state.fields.map { .init($0.name, $0.value) })
      }
    }
  }

  package static func counted(_ charge: Ledger.Charge) -> Quota.Charge {
    Quota.Charge(counter: charge.counter, amount: charge.amount, window: charge.window)
  }
}

extension Completion {
  /// Tollgate gave the answer.
  package mutating func answeredHere() {
    httpStatus = 200
    origin = .gateway
    endReason = .complete
  }

  /// Usage and cost, as they were settled. What used nothing cost nothing; the cost of anything else
  /// is unknown without a price, and unknown is null.
  package mutating func fill(_ usage: MeteredUsage, _ settlement: Settlement, isPriced: Bool) {
    promptTokens = usage.prompt.map(Int64.init)
    completionTokens = usage.completion.map(Int64.init)
    totalTokens = usage.total.map(Int64.init)
    cachedPromptTokens = usage.cachedPrompt.map(Int64.init)
    cacheWritePromptTokens = usage.cacheWritePrompt.map(Int64.init)
    reasoningTokens = usage.reasoning.map(Int64.init)
    ttftMs = usage.ttftMs
    switch usage.source {
    case .reported: usageSource = .reported
    case .estimated: usageSource = .estimated
    case .none: usageSource = .none
    }
    switch settlement {
    case .nothing: costNanodollars = 0
    case .requestOnly: costNanodollars = isPriced ? 0 : nil
    case .used(let used): costNanodollars = isPriced ? used.nanoDollars : nil
    }
  }
}
