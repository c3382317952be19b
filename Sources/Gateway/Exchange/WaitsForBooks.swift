import Books
import Metrics

/// An exchange whose verdict waits for the books: for the store's answer, for its admission's record, or
/// for one after the other. `ExchangeLife` says what follows; the two filters differ in how they send it.
protocol WaitsForBooks: AnyObject {
  var loop: GatewayLoop { get }
  var life: ExchangeLife { get set }
  var decision: Decision { get }
  /// Sends what was held.
  func release(_ next: ExchangeLife.Recorded)
  /// Refuses in place of what was held.
  func refuse(_ next: ExchangeLife.RecordFailed, as refusal: Refusal)
  /// Settles, where there is something to settle.
  func settle(_ settle: ExchangeLife.Settle?)
}

extension WaitsForBooks {
  /// What came of reserving. True where the verdict has to be held.
  func take(_ reserved: GatewayLoop.Reserved, answer: ExchangeLife.Answer) -> Bool {
    switch reserved {
    case .admitted(let open, let waits):
      life.admitted(open, answer: answer, waits: waits)
      if waits { loop.wait(for: open, self) }
      return waits
    case .asks(let ticket):
      life.asked(ticket, answer: answer)
      loop.wait(for: ticket, self)
      return true
    }
  }

  /// The store has answered, or the time for it is over: the books are asked again.
  func storeAnswered() {
    guard let ticket = life.storeAnswered() else { return loop.withdraw(life.takeTicket()) }
    do throws(Refusal) {
      let reserved = try loop.reserve(again: ticket, decision)
      let next = life.admittedAgain(reserved.open, waits: reserved.waits)
      if reserved.waits { loop.wait(for: reserved.open, self) }
      settle(next.settle)
      if let released = next.released { release(released) }
    } catch {
      refuse(life.refusedAgain(), as: error)
    }
  }

  /// The record is on disk.
  func recorded() { release(life.recorded()) }

  /// The record never will be; what was reserved has been given back.
  func recordFailed() {
    let next = life.recordFailed()
    loop.metrics?.withdrawn()
    decision.withdraw()
    refuse(next, as: .ledgerUnavailable)
  }
}
