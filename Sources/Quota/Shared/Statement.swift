/// What a holder says of one counter, in absolute numbers, and what it asks for. Said twice, late or
/// in another order it changes nothing: the store takes in only what is newer than the last, by
/// `Holder.start` and `number`.
///
/// Amounts are in the store's unit: that of the limit, but for money, which is in micro-dollars.
package struct Statement: Sendable, Equatable {
  /// What the counter counts over, by the caller's policy.
  package enum Shape: Sendable, Equatable {
    /// A budget for a calendar window, in Unix milliseconds of the store's time: `start` is included,
    /// `end` is not. `settled` is what this holder has settled in that window: it only grows.
    case budget(start: Int64, end: Int64, settled: Int64)
    /// A bucket: `amount` is refilled in each period, up to `capacity`.
    case bucket(capacity: Int64, periodMilliseconds: Int64)
    /// As many at the same time as the amount.
    case slots
  }

  package let key: SharedKey
  package let shape: Shape
  /// The limit's amount by the caller's policy; at least 1.
  package let amount: Int64
  /// Counts up from 1 within a start of a ledger.
  package let number: Int64
  /// What this holder has in all. Of a budget: settled, reserved and unspent of the window. Of slots:
  /// in flight and free. Of a bucket: what was taken from the store and not given back since the
  /// start, which may be below 0.
  package let hold: Int64
  /// The part of `hold` that is leased and not spent.
  package let unspent: Int64
  /// What must be granted, so that a request can be admitted; 0 where the statement only states.
  package let need: Int64
  /// What would be liked; at least `need`. With a `need` of 0 the store gives what it can of it.
  package let want: Int64
  /// The sum that the store said last, and when by the store's clock, for a partition that opens;
  /// nil where this holder has never been told.
  package let seen: Seen?

  /// A sum of the store, at a moment of its clock.
  package struct Seen: Sendable, Equatable {
    /// Of a budget: of its window. Of a bucket: what is missing to its capacity.
    package let sum: Int64
    /// Unix milliseconds of the store's clock.
    package let atMs: Int64

    package init(sum: Int64, atMs: Int64) {
      self.sum = sum
      self.atMs = atMs
    }
  }

  package init(
    key: SharedKey, shape: Shape, amount: Int64, number: Int64, hold: Int64, unspent: Int64,
    need: Int64 = 0, want: Int64 = 0, seen: Seen? = nil
  ) {
    self.key = key
    self.shape = shape
    self.amount = amount
    self.number = number
    self.hold = hold
    self.unspent = unspent
    self.need = need
    self.want = want
    self.seen = seen
  }
}

/// One call to the store: statements of one partition. All that is needed is granted, or nothing of
/// it.
package struct StatementCall: Sendable, Equatable {
  /// The most statements of one call.
  package static let statementsMax = 100

  package let partition: Int
  package let statements: [Statement]
  /// Whether, in these and the calls before, the holder has stated all that it holds in the
  /// partition since the store asked for it (`PartitionState.opening`).
  package let isWhole: Bool
  /// Which opening the calls before stated all the rest in (`StatementCallAnswer.openingMs`): for
  /// another one, this call is not whole. Nil where its statements alone are all that there is.
  package let openingMs: Int64?

  package init(
    partition: Int, statements: [Statement], isWhole: Bool = false, openingMs: Int64? = nil
  ) {
    self.partition = partition
    self.statements = statements
    self.isWhole = isWhole
    self.openingMs = openingMs
  }
}

/// What the store answered to one statement.
package struct StatementAnswer: Sendable, Equatable {
  package enum Outcome: Sendable, Equatable {
    /// Taken in, and this was granted: at least `need`.
    case granted(Int64)
    /// Taken in; the need is not there, and nothing was granted. For a bucket the time until it is,
    /// if nobody takes more, in milliseconds; 0 where that is not known.
    case short(waitMilliseconds: Int64)
    /// Taken in; another counter of the call was short, or its statement was not taken in.
    case otherShort
    /// Taken in; the partition is not open, so that nothing is granted.
    case opening
    /// Not taken in: it is not newer than what the store has.
    case stale
    /// Not taken in: a process with a higher start number of the same ledger has stated.
    case fenced(start: Int64)
    /// Not taken in: the counter's window has ended by the store's clock, or its running window is
    /// another: `window` says which. State and ask again for that one.
    case otherWindow
  }

  package let outcome: Outcome
  /// The sum over all holders after the statement. Of a bucket: what is missing to its capacity.
  package let sum: Int64
  /// The settled part over all holders, of a budget; else 0.
  package let settled: Int64
  /// The same before the statement: whose statement takes `settled` over a threshold is the one that
  /// tells of it. The same as `settled` while a partition opens, when nothing is new use.
  package let settledBefore: Int64
  /// What this ledger has settled by the store, of a budget: more than the holder says where the
  /// ledger is an old copy; else 0.
  package let ownSettled: Int64
  /// The window that the store keeps, of a budget; else 0 and 0.
  package let window: (start: Int64, end: Int64)
  /// How many holders the counter has.
  package let holders: Int64
  /// Whether it was short within the last second: what is unspent is better given back.
  package let isShort: Bool

  package init(
    outcome: Outcome, sum: Int64, settled: Int64 = 0, settledBefore: Int64 = 0,
    ownSettled: Int64 = 0, window: (start: Int64, end: Int64) = (0, 0), holders: Int64,
    isShort: Bool
  ) {
    self.outcome = outcome
    self.sum = sum
    self.settled = settled
    self.settledBefore = settledBefore
    self.ownSettled = ownSettled
    self.window = window
    self.holders = holders
    self.isShort = isShort
  }

  package static func == (one: Self, other: Self) -> Bool {
    one.outcome == other.outcome && one.sum == other.sum && one.settled == other.settled
      && one.settledBefore == other.settledBefore && one.ownSettled == other.ownSettled
      && one.window == other.window
      && one.holders == other.holders && one.isShort == other.isShort
  }
}

/// Whether a partition grants.
package enum PartitionState: Sendable, Equatable {
  case open
  /// The store has lost writes, or is another server than the partition was opened on: nothing is
  /// granted until every replica that was alive has stated all that it holds, at most the lease's
  /// time. `isClaimed`: this holder has.
  case opening(isClaimed: Bool, claimed: Int64, expected: Int64, sinceMs: Int64)
}

/// What the store answered to a call.
package struct StatementCallAnswer: Sendable, Equatable {
  /// The store's clock, in Unix milliseconds.
  package let storeMs: Int64
  package let state: PartitionState
  /// Which opening the partition is in, or was opened by last: when it began, by the store's clock.
  /// A holder that has not stated all it holds since an opening with this number does so now, also
  /// where the partition is open.
  package let openingMs: Int64
  /// One for each statement, in their order.
  package let answers: [StatementAnswer]

  package init(
    storeMs: Int64, state: PartitionState, openingMs: Int64 = 0, answers: [StatementAnswer]
  ) {
    self.storeMs = storeMs
    self.state = state
    self.openingMs = openingMs
    self.answers = answers
  }
}

/// The replicas that are alive, as the store said last.
package struct FleetView: Sendable, Equatable {
  /// One process that states.
  package struct Replica: Sendable, Equatable {
    package let holder: Holder
    /// For people only.
    package let name: String
    /// The policy's revision that it works by.
    package let revision: String
    /// Since when it lives, in Unix milliseconds of the store's clock.
    package let sinceMs: Int64

    package init(holder: Holder, name: String, revision: String, sinceMs: Int64) {
      self.holder = holder
      self.name = name
      self.revision = revision
      self.sinceMs = sinceMs
    }
  }

  package var replicas: [Replica]
  /// Whether all of the list was told, and the store has kept it for the lease's time at least. Where
  /// not (it lost writes, or it is new), replicas may live that are not in it, and this is no list to
  /// open by.
  package var isComplete: Bool
  /// How many live, also where not all of them have been told yet.
  package var count: Int64
  /// Another number for each other list.
  package var edition: Int64
  /// When the store began the list, by its clock: another time where it has lost one. 0 where it has not
  /// said so.
  package var listMs: Int64 = 0

  package init(replicas: [Replica], isComplete: Bool = true, edition: Int64 = 0) {
    self.replicas = replicas
    self.isComplete = isComplete
    self.edition = edition
    count = Int64(replicas.count)
  }
}

/// What the store answered to a replica that stated that it lives.
package enum PresenceAnswer: Sendable, Equatable {
  case alive(FleetChanges)
  /// The ledger has been started with a higher number than this process knows (it is an old copy),
  /// and that process is silent: this one goes on as this number, which is its own from now on. It is
  /// on disk before anything else is said to the store.
  case renumbered(start: Int64)
  /// Another process with this ledger counts, by its higher start number or, with the same number,
  /// because it was first.
  case fenced(start: Int64)
}
