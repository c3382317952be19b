/// What a replica knows of one counter that it shares. The counter's own count is this replica's use
/// alone. Amounts are in the limit's unit where nothing else is said; those of statements and answers
/// are in the store's, of which money has one for 1,000 nano-dollars.
struct SharedPart {
  /// What was stated, in the store's unit.
  struct Holding: Equatable {
    var hold: Int64
    var unspent: Int64
    /// Of a budget.
    var settled: Int64
  }

  /// A statement that is not answered.
  struct UnderWay {
    let call: UInt64
    let sentMs: Int64
    let holding: Holding
    /// Of a budget.
    let window: CalendarWindow?
  }

  /// The store's word that there was not enough.
  struct Word {
    /// What was left.
    let left: Int64
    /// When the statement was sent that this is the answer to.
    let sentMs: Int64
  }

  /// A request that waits for the counter.
  struct Waiting {
    let ask: UInt64
    let need: Int64
  }

  let key: SharedKey
  /// How much of the limit's unit is one of the store's.
  let unit: Int64
  /// Of a bucket: what was taken and not given back since the start, less what is `unspent`.
  var taken: Int64 = 0
  /// What is leased and not spent: the slice.
  var unspent: Int64 = 0
  /// Of a bucket and of slots: when the slice is void, by the boot clock.
  var validUntilMs: Int64 = .min
  /// The part of `unspent` that is kept for requests that waited for it.
  var kept: Int64 = 0
  var waiting: [Waiting] = []
  var underWay: UnderWay?
  /// What the store has of this holder, by its last answer; nil where it has never answered.
  var known: Holding?
  /// Whether a statement was lost, so that the store may have something else than `known`.
  var isUncertain = false
  /// Whether it has to be stated, whatever it holds: since the start, or since its window changed.
  var mustState = false
  /// The sum that the store said last. Of a budget: in the window.
  var seen: Statement.Seen?
  /// Of a budget: the settled use of all, as the store said last.
  var seenSettled: Int64 = 0
  var holders: Int64 = 0
  var word: Word?
  /// Up to when what is unspent is given back, because another was refused.
  var shortUntilMs: Int64 = .min
  var rate = UseRate()
  /// When the last statement that was answered was sent.
  var heardMs: Int64 = .min / 2
  /// When it was stated last.
  var statedMs: Int64 = .min / 2
  /// No statement before this.
  var notBeforeMs: Int64 = .min
  /// Of a budget, in the store's unit: what the ledger settled in the window by the store, and does
  /// not know of, because it is an old copy.
  var carried: Int64 = 0
  /// Of a budget: what was settled when the window was stated first. As long as that is not answered,
  /// this is stated: else what is settled meanwhile could be taken for what is `carried`.
  var settledFirst: Int64?
  /// In which opening of the partition it was stated last.
  var claimedIn: Int64?
  var local: LocalShare?
  /// Of slots: how many of those in flight the store did not grant: they come back to nobody's slice.
  var beyondSlice: Int64 = 0
  /// No slice is asked for in the background before this.
  var renewMs: Int64 = .min
  /// Whether its limit only counts.
  var isShadow = false
  /// Of a budget with raises: what it gave when that was looked at last.
  var amount: Int64?
  /// Of a budget: the start of the window that all of this is about.
  var window: Int64?
  /// When something is due, as the queue knows it.
  var dueMs: Int64 = .max

  init(key: SharedKey, unit: Int64) {
    self.key = key
    self.unit = unit
  }

  /// In the store's unit, rounded up.
  func units(_ amount: Int64) -> Int64 {
    let whole = amount / unit
    return amount % unit > 0 ? whole + 1 : whole
  }

  /// What the counter's amounts are compared with, in the store's unit.
  func limit(_ amount: Int64) -> Int64 { max(1, amount / unit) }

  /// What this replica uses, without its slice.
  func own(_ count: Count) -> Int64 {
    switch count {
    case .budget(let budget): budget.used.plusSaturating(budget.reserved)
    case .bucket: taken
    case .slots(let slots): slots.held
    }
  }

  /// What is to be stated of it.
  func holding(_ count: Count) -> Holding {
    // The first statement of a bucket sets the mark to measure from, and moves nothing: what was used
    // before it is stated after it.
    if count.isBucket && known == nil { return Holding(hold: 0, unspent: 0, settled: 0) }
    let own = own(count)
    let hold = units(own.plusSaturating(unspent))
    var settled: Int64 = 0
    if case .budget(let budget) = count {
      settled = units(budget.used)
      if known == nil, let settledFirst { settled = min(settled, settledFirst) }
    }
    return Holding(
      hold: hold.plusSaturating(carried), unspent: max(0, hold - units(own)),
      settled: settled.plusSaturating(carried))
  }

  /// What is stated now. The store forgets a bucket that is full and that nobody states, but not sooner
  /// than a lease after the last statement. What it hears then only sets the mark to measure from, so
  /// that use beyond a reservation, which is more than it knew, is stated after such a mark.
  func stated(_ count: Count, leaseMilliseconds: Int64, at bootMs: Int64) -> Holding {
    var holding = holding(count)
    if count.isBucket, let known, bootMs - heardMs >= leaseMilliseconds {
      holding.hold = min(holding.hold, known.hold)
    }
    return holding
  }

  /// Ends a slice whose time has passed. What a bucket's slice had left counts as taken: the bucket
  /// refills it.
  mutating func expire(_ count: Count, at bootMs: Int64) {
    guard unspent > 0, bootMs >= validUntilMs, !count.isBudget else { return }
    if count.isBucket { taken = taken.plusSaturating(unspent) }
    unspent = 0
    kept = 0
  }

  /// What a request may spend of the slice that waited for nothing.
  var free: Int64 { max(0, unspent - kept) }

  /// Gives back what nobody waits for, with the next statement.
  mutating func giveBack() { unspent = min(unspent, kept) }

  /// Gives back all, and does not wait for an answer any more: what it grants is taken back by the
  /// next statement.
  mutating func disown() {
    giveBack()
    word = nil
    mustState = true
    guard underWay != nil else { return }
    underWay = nil
    isUncertain = true
  }

  /// Takes what is reserved: from the slice, then from the local share; what is more is debt.
  mutating func spend(_ need: Int64, _ count: Count) {
    let fromSlice = min(free, need)
    unspent -= fromSlice
    if count.isBucket { taken = taken.plusSaturating(need) }
    guard need > fromSlice else { return }
    local?.take(need - fromSlice)
    if count.isSlots { beyondSlice += need - fromSlice }
  }

  /// A reservation was `more` than was used; below 0, less. Of a budget and of slots the rest stays
  /// in the slice. What a bucket gets back goes to the store: whoever spent it from the slice would
  /// have what was refilled meanwhile twice. Use beyond the reservation is taken from the slice, then
  /// it is debt.
  mutating func settle(_ more: Int64, _ count: Count, at bootMs: Int64) {
    if count.isBucket { taken = taken.minusSaturating(more) }
    if more < 0 {
      unspent -= min(free, more == .min ? .max : -more)
    } else if count.isBudget {
      unspent = unspent.plusSaturating(more)
    } else if count.isSlots {
      let beyond = min(more, beyondSlice)
      beyondSlice -= beyond
      if beyond > 0, case .left(let left)? = local { local = .left(left + beyond) }
      if bootMs < validUntilMs { unspent += more - beyond }
    }
  }

  /// Another window of a budget: the slice ends with its window.
  mutating func beginWindow() {
    unspent = 0
    kept = 0
    known = nil
    isUncertain = false
    settledFirst = nil
    seen = nil
    seenSettled = 0
    carried = 0
    word = nil
    underWay = nil
    shortUntilMs = .min
    claimedIn = nil
  }

  /// What is left for all by the store's last word, in the limit's unit.
  /// `capacity`: what the limit gives at once now.
  func seenLeft(of capacity: Int64) -> Int64? {
    seen.map { max(0, limit(capacity) - $0.sum).timesSaturating(unit) }
  }

  /// Nothing of it is at the store or on the way, so that it can be forgotten.
  func isIdle(_ count: Count) -> Bool {
    underWay == nil && waiting.isEmpty && unspent == 0 && dueMs == .max
      && (count.isBucket || known.map { $0.hold == 0 } ?? true)
  }
}
