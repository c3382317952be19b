import Bytes

/// Makes a ledger for a lost node out of the records that it had shipped, for `audit restore`: their own
/// lines, in segments as they were, and behind them a `restore` record. The next start goes on from
/// there as after a crash: same id, the next start number, the same counters.
package struct LedgerRestore {
  /// What was restored.
  package struct Outcome: Equatable, Sendable {
    /// The ledger's id.
    package var ledgerID = ""
    package var firstSeq: Int64 = 0
    /// The last record that was shipped.
    package var lastSeq: Int64 = 0
    /// The time of that record in Unix milliseconds.
    package var lastTimeMs: Int64 = 0
    package var segmentCount = 0
    /// Copies of records that were there already.
    package var repeatCount = 0
    /// Records before the first checkpoint, and of other ledgers.
    package var leftOutCount = 0
  }

  /// Where the segments are written until all of them are there.
  static let unfinishedName = "ledger.restoring"

  private var records: ShippedRecords
  /// Which copies belong to a chain that was followed.
  private var isUsed: [Bool]

  private init(_ records: ShippedRecords) {
    self.records = records
    isUsed = [Bool](repeating: false, count: records.copies.count)
  }

  /// Restores the ledger that the files have records of, or `ledger` where they have several, into the
  /// data directory `directory`. `wallMs`: now.
  package static func run(
    from paths: [String], ledger: String?, into directory: String, wallMs: Int64
  ) throws(RestoreProblem) -> Outcome {
    var restore = LedgerRestore(try ShippedRecords(paths: paths))
    let chain = try restore.choose(ledger)
    return try restore.write(chain, into: directory, wallMs: wallMs)
  }

  /// The records of one ledger that follow each other: indices of copies.
  private struct Followed {
    let id: String
    var indices: [Int] = []
    var repeatCount = 0
  }

  private mutating func choose(_ chosen: String?) throws(RestoreProblem) -> Followed {
    guard !records.copies.isEmpty else { throw .noRecords }
    let ids = records.checkpoints.keys.sorted()
    guard let first = ids.first else { throw .noCheckpoint }
    let id = chosen ?? first
    guard ids.contains(id), chosen != nil || ids.count == 1 else {
      throw .ledgers(
        ids.map { id in
          let seqs = (records.checkpoints[id] ?? []).map { records.copies[$0].seq }
          return .init(id: id, checkpoints: (seqs.min() ?? 0)...(seqs.max() ?? 0))
        }, chosen: chosen)
    }
    // What fits another ledger's chain is no gap in this one's.
    for other in ids where other != id {
      for checkpoint in records.checkpoints[other] ?? [] where !isUsed[checkpoint] {
        _ = try? follow(other, from: checkpoint)
      }
    }
    guard let first = records.checkpoints[id]?.first else { throw .noCheckpoint }
    let followed = try follow(id, from: first)
    try refuseGaps(behind: followed)
    return followed
  }

  /// Goes from a checkpoint on as long as a record fits the one before.
  private mutating func follow(
    _ id: String, from first: Int
  ) throws(RestoreProblem) -> Followed {
    var followed = Followed(id: id)
    guard var chain = Chain(beforeCheckpoint: try records.line(first)) else {
      throw .noCheckpoint
    }
    var seq = records.copies[first].seq
    while true {
      guard let (next, index) = try fitting(seq, chain, of: id) else { break }
      followed.indices.append(index)
      for copy in records.indices(of: seq) where records.copies[copy].hash == hash(index) {
        if copy != index, !isUsed[copy] { followed.repeatCount += 1 }
        isUsed[copy] = true
      }
      chain = next
      seq += 1
    }
    guard !followed.indices.isEmpty else { throw .gaps([seq...seq], next: nil) }
    return followed
  }

  private func hash(_ index: Int) -> UInt64 { records.copies[index].hash }

  /// The copy of a record that fits the chain, and the chain behind it; nil where none does.
  private mutating func fitting(
    _ seq: Int64, _ chain: Chain, of id: String
  ) throws(RestoreProblem) -> (Chain, Int)? {
    var found: (chain: Chain, index: Int)?
    for index in records.indices(of: seq) {
      if let found, hash(found.index) == hash(index) { continue }
      // The first record of every ledger fits the beginning of every chain.
      if let other = records.ledgerIDs[index], other != id { continue }
      var next = chain
      let line = try records.line(index)
      guard next.follow(line), SegmentReader.seq(of: line) == seq else { continue }
      guard found == nil else { throw .fork(seq) }
      found = (next, index)
    }
    return found.map { ($0.chain, $0.index) }
  }

  /// Throws where there are later records that belong to no chain: something between is missing.
  private func refuseGaps(behind followed: Followed) throws(RestoreProblem) {
    guard let last = followed.indices.last.map({ records.copies[$0].seq }) else { return }
    var gaps: [ClosedRange<Int64>] = []
    var expected = last + 1
    var next: Int64?
    let checkpoints = Set(records.checkpoints[followed.id] ?? [])
    for index in records.firstIndex(from: expected)..<records.copies.count where !isUsed[index] {
      let seq = records.copies[index].seq
      if seq > expected { gaps.append(expected...(seq - 1)) }
      // It is there, and does not fit: it was changed.
      if gaps.isEmpty { gaps.append(seq...seq) }
      expected = max(expected, seq + 1)
      if next == nil, checkpoints.contains(index) { next = seq }
    }
    if !gaps.isEmpty { throw .gaps(gaps, next: next) }
  }
}

// MARK: - Writing

extension LedgerRestore {
  private mutating func write(
    _ followed: Followed, into directory: String, wallMs: Int64
  ) throws(RestoreProblem) -> Outcome {
    do {
      let parent = try DirectoryFiles.creating(path: directory)
      let lock = try DirectoryLock.take(directory: directory)
      defer { withExtendedLifetime(lock) {} }
      for name in [LedgerDirectory.name, "ship", "ids"] {
        let path = directory + "/" + name
        // A directory that is not there has no names.
        if let names = try? DirectoryFiles(path: path).names(), !names.isEmpty {
          throw RestoreProblem.notEmpty(path)
        }
      }
      let files = try DirectoryFiles.creating(path: directory + "/" + Self.unfinishedName)
      // What an earlier attempt left.
      for name in try files.names() { try files.remove(name) }
      let outcome = try write(followed, files, wallMs: wallMs)
      try files.synchronizeNames()
      // Takes the place of an empty directory.
      try parent.rename(Self.unfinishedName, to: LedgerDirectory.name)
      try parent.synchronizeNames()
      return outcome
    } catch let problem as RestoreProblem {
      throw problem
    } catch let problem as DirectoryLock.Problem {
      throw .locked(problem)
    } catch let fault as LedgerFault {
      throw .files(fault)
    } catch {
      preconditionFailure("nothing else is thrown")
    }
  }

  private mutating func write(
    _ followed: Followed, _ files: DirectoryFiles, wallMs: Int64
  ) throws -> Outcome {
    var outcome = Outcome(ledgerID: followed.id, repeatCount: followed.repeatCount)
    outcome.leftOutCount = isUsed.count - followed.indices.count - followed.repeatCount
    var chain = Chain()
    var file: (any LedgerFile)?
    var bytes: [UInt8] = []
    func flush() throws(LedgerFault) {
      try file?.append(bytes)
      bytes = []
    }
    for index in followed.indices {
      let line = try records.line(index)
      let seq = records.copies[index].seq
      if ShippedRecords.isCheckpoint(line) {
        try flush()
        try file?.synchronize()
        file = try files.create(Segment(firstSeq: seq).name)
        outcome.segmentCount += 1
        if outcome.firstSeq == 0 {
          outcome.firstSeq = seq
          chain = Chain(beforeCheckpoint: line) ?? Chain()
        }
      }
      // The file may have been changed since it was followed.
      guard chain.follow(line), let head = RecordHead(line: line) else {
        throw RestoreProblem.gaps([seq...seq], next: nil)
      }
      outcome.lastSeq = seq
      // Time steps back only at a `clock`; a carried record keeps its first time.
      outcome.lastTimeMs =
        head.type == "clock" ? head.timeMs : max(outcome.lastTimeMs, head.timeMs)
      bytes += line
      bytes.append(UInt8(ascii: "\n"))
      if bytes.count >= LedgerLimits.batchBytesMax { try flush() }
    }
    let restore = Restore(firstSeq: outcome.firstSeq, lastSeq: outcome.lastSeq)
    var line = LedgerRecord(
      seq: outcome.lastSeq + 1, timeMs: max(wallMs, outcome.lastTimeMs), body: .restore(restore)
    ).encoded()
    chain.seal(&line)
    bytes += line
    try flush()
    try file?.synchronize()
    return outcome
  }
}
