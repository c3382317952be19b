import Bytes

/// Where each record stands in the files of receivers, by its number.
struct ShippedRecords {
  /// One copy of a record.
  struct Copy {
    let seq: Int64
    /// The first 64 bits of the hash at its end, to tell repeats.
    let hash: UInt64
    let offset: Int64
    let file: Int32
    /// Which record of its line.
    let item: Int32
  }

  private(set) var files: [ShippedFile]
  /// In the order of their numbers.
  private(set) var copies: [Copy] = []
  /// The checkpoints of each ledger: indices of `copies`, in the order of their numbers.
  private(set) var checkpoints: [String: [Int]] = [:]
  /// Which ledger such a checkpoint names, by its index.
  private(set) var ledgerIDs: [Int: String] = [:]

  /// Reads all files once.
  init(paths: [String]) throws(RestoreProblem) {
    files = paths.map(ShippedFile.init(path:))
    var named: [(copy: Copy, id: String)] = []
    for file in files.indices {
      do throws(LedgerProblem) {
        while let line = try files[file].next() {
          for (item, record) in line.records.enumerated() {
            guard let seq = SegmentReader.seq(of: record), LedgerFormat.seqs.contains(seq),
              let hash = Chain(claimedBy: record)?.head.words.0
            else { continue }
            let copy = Copy(
              seq: seq, hash: hash, offset: line.offset, file: Int32(file), item: Int32(item))
            copies.append(copy)
            if let id = Self.ledgerID(ofCheckpoint: record) { named.append((copy, id)) }
          }
          guard copies.count <= RestoreLimits.recordsMax else { break }
        }
      } catch { throw .unreadable(files[file].path, error) }
    }
    guard copies.count <= RestoreLimits.recordsMax else { throw .tooMany }
    copies.sort { ($0.seq, $0.hash, $0.file, $0.offset) < ($1.seq, $1.hash, $1.file, $1.offset) }
    for (copy, id) in named {
      guard
        let index = indices(of: copy.seq).first(where: {
          copies[$0].hash == copy.hash && copies[$0].offset == copy.offset
            && copies[$0].file == copy.file && copies[$0].item == copy.item
        })
      else { continue }
      checkpoints[id, default: []].append(index)
      ledgerIDs[index] = id
    }
    for id in checkpoints.keys { checkpoints[id]?.sort() }
  }

  /// The copies of a record.
  func indices(of seq: Int64) -> Range<Int> {
    let start = firstIndex(from: seq)
    var end = start
    while end < copies.count, copies[end].seq == seq { end += 1 }
    return start..<end
  }

  /// The first copy of that record or of a later one.
  func firstIndex(from seq: Int64) -> Int {
    var (low, high) = (0, copies.count)
    while low < high {
      let middle = (low + high) / 2
      if copies[middle].seq < seq { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The line of a copy, without its newline.
  mutating func line(_ index: Int) throws(RestoreProblem) -> [UInt8] {
    let copy = copies[index]
    let file = Int(copy.file)
    do throws(LedgerProblem) {
      let records = try files[file].records(at: copy.offset)
      return Int(copy.item) < records.count ? records[Int(copy.item)] : []
    } catch { throw .unreadable(files[file].path, error) }
  }

  static func isCheckpoint(_ line: [UInt8]) -> Bool {
    line.starts(with: Array("{\"type\":\"checkpoint\"".utf8))
  }

  /// The id stands before the counters, so that a long checkpoint need not be read whole.
  private static func ledgerID(ofCheckpoint line: [UInt8]) -> String? {
    guard isCheckpoint(line) else { return nil }
    let head = line.prefix(384)
    guard let marker = head.firstRange(of: Array("\"ledger_id\":\"".utf8)) else { return nil }
    let id = String(decoding: head[marker.upperBound...].prefix(32), as: UTF8.self)
    return LedgerIdentity(id: id, start: 1).isWellFormed ? id : nil
  }
}
