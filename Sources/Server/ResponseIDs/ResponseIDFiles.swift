import Bytes
import Gateway
import Ledger

/// The files under `DATA/ids`: lines (`ResponseIDLine`) that are only appended. When there are many more
/// lines than ids, and at each start, a new file begins with all that is known, and the older ones go. So
/// a line that a crash or a full disk tore is never written behind.
///
/// Nothing is flushed to disk: what was written survives the process's death, and after a loss of power a
/// few answers cannot be continued.
struct ResponseIDFiles {
  /// The most bytes that are read of one file, from its end: more than one that is written here has.
  static let fileBytesMax = 1 << 30
  /// How many lines a file may have beyond two for each id.
  static let spareLines = 16_384
  private static let chunkBytes = 1 << 20
  private static let ending = ".ids"
  /// The numbers of files: what is named otherwise is none of ours. The last one is so large that we
  /// never come there, and so small that counting on from it never overflows.
  private static let numbers = 1...Int.max / 2

  /// What `load` found.
  struct Found: Equatable {
    /// Files that are damaged, or cannot be read; and how many lines of them.
    var damaged: [String] = []
    var damagedLines = 0
  }

  private let files: any LedgerFiles
  private var file: (any LedgerFile)?
  private var lines = 0
  private var number = 0

  init(_ files: any LedgerFiles) { self.files = files }

  /// Whether a new file has to be begun: at the start, after a failure, and when this one is too long.
  func mustBegin(_ ids: ResponseIDs) -> Bool {
    file == nil || lines > 2 * ids.count + Self.spareLines
  }

  // MARK: Reading

  /// Reads all files, the oldest first. What is damaged is left out.
  mutating func load(into ids: ResponseIDs) -> Found {
    var found = Found()
    do throws(LedgerFault) {
      for (number, name) in try numbered() {
        self.number = number
        let damaged = load(name, into: ids)
        if damaged > 0 { found.damaged.append(name) }
        found.damagedLines += damaged
      }
    } catch {
      found.damaged.append(error.file)
    }
    return found
  }

  /// How many lines of a file are damaged; 1 where it cannot be read.
  private func load(_ name: String, into ids: ResponseIDs) -> Int {
    var damaged = 0
    do throws(LedgerFault) {
      let size = Int(clamping: try files.size(name))
      var offset = max(0, size - Self.fileBytesMax)
      var rest: [UInt8] = []
      // A line that is too long to be one, up to its end.
      var isTooLong = offset > 0
      while offset < size {
        let chunk = try files.read(
          name, at: Int64(offset), count: min(Self.chunkBytes, size - offset))
        if chunk.isEmpty { break }
        offset += chunk.count
        for line in chunk.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
          damaged += take(rest + line, isTooLong, ids)
          rest = []
          isTooLong = false
        }
        rest += chunk.suffix { $0 != 0x0A }
        if rest.count > ResponseIDLine.bytesMax {
          rest = []
          isTooLong = true
        }
      }
      return damaged + take(rest, isTooLong, ids)
    } catch { return damaged + 1 }
  }

  private func take(_ line: [UInt8], _ isTooLong: Bool, _ ids: ResponseIDs) -> Int {
    if line.isEmpty, !isTooLong { return 0 }
    guard !isTooLong, let known = ResponseIDLine.read(line.span) else { return 1 }
    ids.restore(known)
    return 0
  }

  // MARK: Writing

  /// Begins a new file with all that is known, and removes the older ones.
  mutating func begin(_ ids: ResponseIDs) throws(LedgerFault) {
    file = nil
    let old = try numbered()
    number = max(number, old.last?.number ?? 0) + 1
    let fresh = try files.create(Self.name(number))
    var count = 0
    // What comes meanwhile may stand in it twice.
    try ids.forEachKnown { known throws(LedgerFault) in
      for start in stride(from: 0, to: known.count, by: 4096) {
        try fresh.append(Self.lines(known[start..<min(start + 4096, known.count)]))
      }
      count += known.count
    }
    // The older ones go only when this one is on disk.
    try fresh.synchronize()
    for (_, name) in old { try files.remove(name) }
    (file, lines) = (fresh, count)
  }

  /// Appends what is new. After a failure a new file is to be begun.
  mutating func append(_ known: [KnownResponse]) throws(LedgerFault) {
    guard let file else { return }
    do throws(LedgerFault) {
      try file.append(Self.lines(known[...]))
      lines += known.count
    } catch {
      self.file = nil
      throw error
    }
  }

  private static func lines(_ known: ArraySlice<KnownResponse>) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in known { ResponseIDLine.append(entry, to: &bytes) }
    return bytes
  }

  /// The files' names with their numbers, in order.
  private func numbered() throws(LedgerFault) -> [(number: Int, name: String)] {
    try files.names()
      .compactMap { name in
        guard name.hasSuffix(Self.ending), let number = Int(name.dropLast(Self.ending.count)),
          Self.numbers.contains(number), name == Self.name(number)
        else { return nil }
        return (number, name)
      }
      .sorted { $0.number < $1.number }
  }

  private static func name(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 10 - digits.count)) + digits + ending
  }
}

extension Array where Element == UInt8 {
  /// The bytes behind the last one that does not satisfy the condition.
  fileprivate func suffix(_ isWanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let start = lastIndex { !isWanted($0) }.map { $0 + 1 } ?? startIndex
    return self[start...]
  }
}
