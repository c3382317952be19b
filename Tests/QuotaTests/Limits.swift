import Terms

@testable import Quota

/// Short ways to write limits, callers and demands.
enum Limits {
  static let second: Int64 = 1_000
  static let minute: Int64 = 60_000
  static let hour: Int64 = 3_600_000

  static func bucket(
    _ kind: LimitKind, _ amount: Int64, per period: Int64 = minute, burst: Int64? = nil,
    name: String = "limit", owner: LimitOwner = .tenant("a"), scope: LimitScope = .owner,
    subjectsMax: Int = LimitRule.subjectsMaxDefault
  ) -> LimitRule {
    LimitRule(
      owner: owner, name: name, kind: kind, amount: amount,
      window: .bucket(periodMilliseconds: period, capacity: burst ?? amount), scope: scope,
      subjectsMax: subjectsMax)
  }

  static func budget(
    _ kind: LimitKind, _ amount: Int64, per unit: CalendarUnit = .day, name: String = "budget",
    owner: LimitOwner = .tenant("a"), scope: LimitScope = .owner,
    subjectsMax: Int = LimitRule.subjectsMaxDefault
  ) -> LimitRule {
    LimitRule(
      owner: owner, name: name, kind: kind, amount: amount, window: .calendar(unit), scope: scope,
      subjectsMax: subjectsMax)
  }

  static func slots(
    _ amount: Int64, name: String = "parallel", owner: LimitOwner = .tenant("a"),
    scope: LimitScope = .owner, subjectsMax: Int = LimitRule.subjectsMaxDefault
  ) -> LimitRule {
    LimitRule(
      owner: owner, name: name, kind: .concurrent, amount: amount, window: .slots, scope: scope,
      subjectsMax: subjectsMax)
  }
}

extension LimitRule {
  /// The same limit, only counting.
  var shadow: LimitRule {
    LimitRule(
      owner: owner, name: name, kind: kind, amount: amount, window: window, scope: scope,
      subjectsMax: subjectsMax, onStoreLoss: onStoreLoss, isShadow: true, raises: raises,
      warnAt: warnAt)
  }

  func with(raises: [Raise] = [], warnAt: [Int64] = []) -> LimitRule {
    LimitRule(
      owner: owner, name: name, kind: kind, amount: amount, window: window, scope: scope,
      subjectsMax: subjectsMax, onStoreLoss: onStoreLoss, isShadow: isShadow, raises: raises,
      warnAt: warnAt.map { WarningShare(thousandths: $0) })
  }
}

extension Caller {
  static let a = Caller(tenant: "a", keyID: "k", subject: "s")

  static func subject(_ subject: String) -> Caller {
    Caller(tenant: "a", keyID: "k", subject: subject)
  }
}

extension Demand {
  static func stated(_ prompt: Int64, _ completion: Int64, prices: Prices = .free) -> Demand {
    Demand(
      promptTokens: prompt, completionTokens: completion, isBoundStated: true, prices: prices)
  }

  static func unstated(_ prompt: Int64, _ completion: Int64, prices: Prices = .free) -> Demand {
    Demand(
      promptTokens: prompt, completionTokens: completion, isBoundStated: false, prices: prices)
  }
}

extension Usage {
  static func tokens(_ prompt: Int64, _ completion: Int64, nanos: Int64 = 0) -> Usage {
    Usage(promptTokens: prompt, completionTokens: completion, nanoDollars: nanos)
  }
}

/// Holds a reservation where a struct that cannot be copied cannot go.
final class Held {
  private var reservation: Reservation?
  let charges: [Charge]
  let demand: Demand
  let shadowed: [String]

  init(_ reservation: consuming Reservation) {
    charges = reservation.charges
    shadowed = reservation.shadowed.map(\.name)
    demand = reservation.demand
    self.reservation = consume reservation
  }

  func take() -> Reservation { reservation.take()! }
}

/// An admission that can be kept and compared.
enum Answer {
  case held(Held)
  case refused(QuotaRefusal)
  case asks(QuotaAsk)

  init(_ admission: consuming QuotaAnswer) {
    switch consume admission {
    case .admitted(let reservation): self = .held(Held(reservation))
    case .refused(let refusal): self = .refused(refusal)
    case .asks(let ask): self = .asks(ask)
    }
  }

  var held: Held? { if case .held(let held) = self { held } else { nil } }
  var ask: QuotaAsk? { if case .asks(let ask) = self { ask } else { nil } }
  var refusal: QuotaRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
}

/// A table with one policy, all of whose limits every request must pass.
final class Desk {
  var table: QuotaTable
  var set: LimitSet
  /// Where the limits are shared.
  var link: StoreLink?

  init(_ rules: [LimitRule], timeZone: String = "UTC") {
    let catalog = LimitCatalog(rules: rules, timeZone: timeZone)
    table = QuotaTable(catalog)
    set = catalog.set(Array(rules.indices))
  }

  func configure(_ rules: [LimitRule], timeZone: String = "UTC", now: Int64) {
    let catalog = LimitCatalog(rules: rules, timeZone: timeZone)
    table.configure(catalog, now: now)
    set = catalog.set(Array(rules.indices))
  }

  func ask(_ demand: Demand, _ caller: Caller = .a, at now: Int64) -> Answer {
    guard let link else {
      return Answer(table.reserve(set, caller: caller, demand: demand, now: now))
    }
    let boot = link.boot(now)
    let answer = Answer(
      table.reserve(set, caller: caller, demand: demand, now: now, bootMs: boot))
    guard let ask = answer.ask else { return answer }
    link.pump(&table, at: now)
    return Answer(
      table.reserve(set, caller: caller, demand: demand, now: now, bootMs: boot, asked: ask))
  }

  /// From now on the limits are shared through the link's store.
  func share(_ link: StoreLink, usesLeases: Bool, at now: Int64) {
    self.link = link
    link.start += 1
    table.share(
      SharingSettings(usesLeases: usesLeases), as: link.holder, now: now, bootMs: link.boot(now))
    link.pump(&table, at: now)
  }

  /// Asks and settles at once as used; whether it was admitted.
  func use(_ demand: Demand, _ caller: Caller = .a, at now: Int64) -> Bool {
    guard let held = ask(demand, caller, at: now).held else { return false }
    _ = settle(
      held,
      .used(
        Usage(
          promptTokens: demand.promptTokens, completionTokens: demand.completionTokens,
          nanoDollars: demand.nanoDollars)), at: now)
    return true
  }

  func settle(_ held: Held, _ settlement: Settlement, at now: Int64) -> [Charge] {
    table.settle(held.take(), as: settlement, now: now)
  }

  /// Without what the store said.
  func states(at now: Int64) -> [CounterState] {
    var states = table.snapshot(now: now).sorted { $0.counter < $1.counter }
    for index in states.indices {
      states[index].fields.removeAll { $0.name == "seen" || $0.name == "seen_at" }
    }
    return states
  }
}
