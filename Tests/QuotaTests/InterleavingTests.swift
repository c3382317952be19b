import SeededRandom
import StoreModel
import Terms
import Testing

@testable import Quota

/// Random lives of a table, beside the naive model and beside its own ledger.
struct InterleavingTests {
  @Test(arguments: 0..<150)
  func `any interleaving counts as the naive model and the ledger do`(seed: Int) {
    var life = RandomLife(seed: UInt64(seed))
    for _ in 0..<300 { life.step() }
    life.end()
  }

  @Test(arguments: 0..<60)
  func `limits that are shared count as the naive model and the ledger do`(seed: Int) {
    var life = RandomLife(seed: UInt64(seed), link: StoreLink())
    for _ in 0..<300 { life.step() }
    life.end()
  }

  @Test(arguments: 0..<60)
  func `debt in limits that are shared counts as the naive model and the ledger do`(seed: Int) {
    var life = RandomLife(seed: UInt64(seed), link: StoreLink(), owes: true)
    for _ in 0..<300 { life.step() }
    life.end()
  }
}

/// One random life.
struct RandomLife {
  static let subjects = ["x", "y", "z/%"]
  var random: SeededRandom
  var now: Int64 = 1_000_000_000_000
  var rules: [LimitRule] = []
  var desk = Desk([])
  var model = NaiveModel()
  var nextID = 0
  var open: [(id: Int, held: Held)] = []
  /// The ledger: the last checkpoint, and what came after it.
  var checkpoint: [CounterState] = []
  var checkpointSince: Int64 = 0
  var records: [Record] = []
  /// How far the clock is set away from the right time.
  var awayMs: Int64 = 0
  /// How far it is whenever somebody sets it. One for each life: else there would be more windows than
  /// are kept.
  let stepMs: Int64
  /// Of the exchanges that were open at the checkpoint and later ones: what they reserved.
  var reserved: [Int: [Charge]] = [:]

  enum Record {
    case admission(Int, [Charge], Int64)
    case completion(Int, [Charge], Int64)
    case clock(from: Int64, to: Int64)
  }

  /// Where the limits are shared, without leases: each admission asks the store. Money is whole
  /// micro-dollars then, and a bucket keeps its rate: the store is careful for a moment where it
  /// changes.
  let link: StoreLink?
  /// Whether exchanges use more than they reserved. Each settlement is then told before the next one:
  /// the store takes in together what is told together, where the model wastes what comes back to a
  /// full bucket.
  let owes: Bool
  var unit: Int64 { link == nil ? 1 : 1_000 }

  init(seed: UInt64, link: StoreLink? = nil, owes: Bool = false) {
    self.link = link
    self.owes = owes
    let hour: Int64 = 3_600_000
    let steps = [hour, -hour, 24 * hour, -24 * hour, 8_760 * hour, -8_760 * hour]
    stepMs = steps[Int(seed % UInt64(steps.count))]
    random = SeededRandom(seed)
    reload()
    if let link { desk.share(link, usesLeases: false, at: now) }
  }

  mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &random)
  }

  mutating func step() {
    switch number(0...99) {
    case 0..<45: ask()
    case 45..<75: settle()
    case 75..<94: now += number(0...9) == 0 ? number(0...40_000_000) : number(0...400)
    case 94..<96: restart()
    case 96..<98: if link == nil { setClock() }
    case _: reload()
    }
  }

  /// Somebody sets the clock to another time, or back to the right one.
  private mutating func setClock() {
    let step = awayMs == 0 ? stepMs : -awayMs
    awayMs += step
    desk.table.step(from: now, to: now + step)
    model.step(from: now, to: now + step)
    records.append(.clock(from: now, to: now + step))
    now += step
    expectModelAgrees()
  }

  private mutating func reload() {
    // With 2, counters of the 3 subjects are forgotten and made again all the time.
    let subjectsMax = Int(number(2...3))
    // Powers of two keep the model's doubles exact.
    let all = [
      Limits.bucket(.requests, rate(1...8), per: 1_024, name: "r"),
      Limits.bucket(.tokens, rate(50...200), per: 4_096, burst: number(50...300), name: "t"),
      Limits.bucket(
        .promptTokens, rate(50...200), per: 512, name: "p", scope: .subject,
        subjectsMax: subjectsMax),
      Limits.budget(
        .completionTokens, number(2_000...4_000), name: "c", scope: .subject, subjectsMax: 3),
      Limits.budget(.usd, number(20_000...40_000) * unit, name: "u"),
      Limits.slots(number(1...5), name: "s"),
      Limits.slots(number(1...3), name: "one", scope: .subject, subjectsMax: subjectsMax),
    ]
    var chosen: [LimitRule] = []
    for rule in all where number(0...5) > 0 { chosen.append(rule) }
    rules = chosen.shuffled(using: &random)
    desk.configure(rules, now: now)
    model.reload(rules, subjects: Self.subjects, now: now)
    keepCheckpoint()
  }

  private mutating func rate(_ range: ClosedRange<Int64>) -> Int64 {
    link == nil ? number(range) : range.upperBound
  }

  private mutating func keepCheckpoint() {
    checkpoint = desk.states(at: now)
    checkpointSince = desk.table.clockSinceMs
    records = []
  }

  private mutating func ask() {
    let subject = Self.subjects.randomElement(using: &random)!
    let price = Prices(
      promptNanos: number(0...5) * unit, completionNanos: number(1...9) * unit,
      perRequestNanos: number(0...50) * unit)
    let demand = Demand(
      promptTokens: number(0...120), completionTokens: number(0...150),
      completionTokensMost: number(0...300), isBoundStated: number(0...1) == 0, prices: price)
    nextID += 1
    let before = desk.states(at: now)
    let answer = desk.ask(demand, .subject(subject), at: now)
    if let refusal = answer.refusal, refusal.failures.contains(where: Self.isForLackOfRoom) {
      // The model has room for everybody, and is not asked.
      #expect(desk.states(at: now) == before, "a refusal charges nothing")
      rest()
      return
    }
    if link != nil, answer.refusal != nil {
      // The store may be more careful for a moment: of a bucket, debt that it hears of late is not
      // refilled meanwhile. What it grants, the model must grant too.
      #expect(desk.states(at: now) == before, "a refusal charges nothing")
      rest()
      return
    }
    let expected = model.ask(nextID, rules, subject: subject, demand, now: now)
    switch answer {
    case .held(let held):
      #expect(expected, "admitted what the model refuses")
      open.append((nextID, held))
      reserved[nextID] = held.charges
      records.append(.admission(nextID, held.charges, now))
      expectNothingOvercommitted()
    case .refused(let refusal):
      #expect(!expected, "refused what the model admits: \(refusal.failures)")
      #expect(!refusal.failures.isEmpty)
      #expect(desk.states(at: now) == before, "a refusal charges nothing")
    case .asks: Issue.record("a table that is not shared asks nobody")
    }
  }

  /// The store's word of a refusal counts for a while, and what other limits were granted goes back.
  private mutating func rest() {
    guard let link else { return }
    now += 1_000
    link.pump(&desk.table, at: now)
  }

  private static func isForLackOfRoom(_ failure: LimitFailure) -> Bool {
    if case .tooManySubjects = failure.shortage { true } else { false }
  }

  private mutating func settle() {
    guard !open.isEmpty else { return }
    let item = open.remove(at: Int(number(0...Int64(open.count - 1))))
    let settlement: Settlement =
      switch number(0...9) {
      case 0: .nothing
      case 1: .requestOnly
      case 2: .undone
      case _ where link != nil: used(owes ? 60 : 0, beyond: item.held.demand)
      case _: .used(.tokens(number(0...150), number(0...200), nanos: number(0...2_000)))
      }
    model.settle(item.id, settlement, now: now)
    let final = desk.settle(item.held, settlement, at: now)
    link?.pump(&desk.table, at: now)
    #expect(final.map(\.counter) == item.held.charges.map(\.counter))
    #expect(final.map(\.window) == item.held.charges.map(\.window))
    records.append(.completion(item.id, final, now))
    if owes { rest() }
  }

  private mutating func used(_ more: Int64, beyond demand: Demand) -> Settlement {
    .used(
      .tokens(
        number(0...demand.promptTokens + more), number(0...demand.completionTokens + more),
        nanos: number(0...demand.nanoDollars / unit + 10 * more) * unit))
  }

  /// What has just been admitted was there to be had.
  private mutating func expectNothingOvercommitted() {
    for state in desk.states(at: now) {
      if let held = state["held"] { #expect(held >= 0) }
      if let reserved = state["reserved"] { #expect(reserved >= 0) }
    }
    expectModelAgrees()
  }

  private mutating func expectModelAgrees() {
    var states: [String: CounterState] = [:]
    for state in desk.states(at: now) { states[state.counter] = state }
    for (name, entry) in model.entries {
      let entry = NaiveModel.refilled(entry, now)
      let state = states.removeValue(
        forKey: name.replacing("z/%", with: "z%2F%25"))
      let day = now / NaiveModel.day
      if entry.period > 0 {
        let level = state.map {
          Double($0["level"]!) + Double($0["fraction"]!) / entry.period
        }
        #expect(level ?? entry.capacity == entry.level, "\(name)")
      } else if entry.kind == .concurrent {
        #expect(state?["held"] ?? 0 == Int64(entry.inside.count), "\(name)")
      } else {
        // A late settlement of a past day may keep a counter that has no window of today yet.
        #expect(Double(state?["used"] ?? 0) == entry.used[day] ?? 0, "\(name)")
        #expect(Double(state?["reserved"] ?? 0) == entry.reserved[day] ?? 0, "\(name)")
      }
    }
    #expect(states.isEmpty, "counters the model does not know")
  }

  /// The process dies; its successor has the ledger only, and must be in the same state.
  private mutating func restart() {
    rest()
    let before = desk.states(at: now)
    let successor = Desk(rules)
    #expect(throws: Never.self) { try successor.table.restore(checkpoint) }
    successor.table.clockRuns(since: checkpointSince)
    for record in records {
      switch record {
      case .admission(_, let charges, let time):
        successor.table.replayAdmission(charges, now: time)
      case .completion(let id, let final, let time):
        successor.table.replayCompletion(reserved: reserved[id]!, final: final, now: time)
      case .clock(let from, let to): successor.table.step(from: from, to: to)
      }
    }
    successor.table.configure(successor.set.catalog, now: now)
    #expect(successor.states(at: now) == before)
    successor.table.resume(after: now, at: now)
    for index in open.indices {
      let reservation = open[index].held.take()
      let charges = reservation.charges
      let demand = reservation.demand
      reservation.leaveToRecovery()
      open[index].held = Held(successor.table.reopen(charges, demand: demand, now: now))
      #expect(open[index].held.charges == charges)
    }
    desk = successor
    if let link { desk.share(link, usesLeases: false, at: now) }
    keepCheckpoint()
  }

  /// Everybody leaves: no slot stays taken, and in time nothing is left at all.
  mutating func end() {
    while !open.isEmpty { settle() }
    expectModelAgrees()
    for state in desk.states(at: now) {
      #expect(state["open"] == 0)
      #expect(state["held"] == nil)
      #expect(state["reserved"] ?? 0 == 0)
    }
    #expect(desk.table.snapshot(now: now + 40 * NaiveModel.day).isEmpty)
    expectStoreAgrees()
  }

  /// What the store has is what was settled, and nothing else.
  private mutating func expectStoreAgrees() {
    rest()
    guard let link else { return }
    for (index, partition) in link.server.store.partitions {
      for (id, counter) in partition.counters {
        switch counter.kind {
        case .budget: #expect(counter.sum == counter.settled, "\(index)/\(id)")
        case .slots: #expect(counter.sum == 0, "\(index)/\(id)")
        case .bucket: #expect(counter.unspent == 0, "\(index)/\(id)")
        }
      }
    }
  }
}
