import Bytes

/// The ledger's file format, and the rules that say which bytes of the files are records.
///
/// - A ledger is a directory of segments, `<first seq, 20 digits>.jsonl`. A line is one record, a
///   JSON object that ends with `,"hash":"<64 hex>"}` and a newline. The hash is SHA-256 of the 32
///   bytes of the previous line's hash, followed by this line's bytes before `,"hash"`. A line
///   begins with `{"type":"…","seq":N,"timestamp":"…"`; `seq` counts by one.
/// - A segment begins with a checkpoint: the hash before it, every counter, every open exchange.
///   The checkpoint and the carried records behind it (see below) are written to
///   `<name>.unfinished`, flushed, and renamed: so a segment that exists has all of them.
/// - **A segment ends where the next one begins.** Bytes of a segment behind the last record before
///   the next segment's first `seq` are void: they are from a batch whose write or flush failed.
///   Nobody was told that this batch is on disk, the writer never wrote to that file again, and the
///   next checkpoint is the state without it.
/// - A record of a failed batch that must not be lost (a completion, a denial; in relaxed mode an
///   admission too) is *carried*: written again behind the next checkpoint with `"carried":true`.
///   That checkpoint's counters and open exchanges already include it, so a reader that sums
///   charges leaves it out. It keeps its first timestamp. The
///   timestamps of all other records step back only at a `clock` record, whose `from` is the time that
///   the records before it had come to: `seq` orders records, not time.
/// - **What a crash leaves at the end of the last segment is torn; anything else that does not fit
///   the chain is damage.** What is not flushed is at most one batch (`LedgerLimits.batchBytesMax`)
///   at the file's end, and nobody was told that it is on disk. A process that is killed leaves the
///   beginning of it: whole lines that fit, then at most one line without its newline. A machine
///   that loses power can leave that too; or its file system has stored the file's length and later
///   blocks without earlier blocks. The missing blocks are a hole, which reads as NUL bytes (no
///   file system in its default mode shows old content of the disk). A hole begins at the flushed
///   end or at a sector's beginning, and ends at a sector's or the file's end. No record contains a
///   NUL byte, so the first line that does not fit contains the hole; whole records may follow it.
///   Recovery moves all of this to a `.torn` file.
/// - Damage is therefore: a line with its newline that does not fit and has no hole (a changed or
///   removed record, a bad block), whatever follows it; any line that does not fit before a `stop`
///   record, which is written only when everything before it is flushed; and a line without its end
///   that contains another record's beginning, because a crash does not remove a newline.
/// - A last segment without a complete checkpoint, and with nothing behind it, is torn as well.
/// - A repaired ledger continues in a segment whose checkpoint has 32 zero bytes as previous hash,
///   and whose second record is a `repair` that names the damage.
package enum LedgerFormat {
  /// The format's number in `start` and `checkpoint` records. A reader refuses a larger one.
  package static let number: Int64 = 2
  /// The oldest format that is read.
  package static let oldestNumber: Int64 = 1
  /// The first format whose checkpoints have `estimates`.
  static let withEstimates: Int64 = 2
  /// The first record's `seq`.
  package static let firstSeq: Int64 = 1
  /// Every `seq` that a segment may begin with. The last one is so large that no ledger comes there,
  /// and so small that counting on from it never overflows.
  static let seqs = firstSeq...Int64.max / 2

  /// `,"hash":"`.
  static let hashPrefix = Array(",\"hash\":\"".utf8)
  /// The length of a line's end: `,"hash":"`, 64 digits, `"}`; without the newline.
  static let sealBytes = hashPrefix.count + 64 + 2

  /// Reads a line's JSON strictly as the ledger writes it: without white space, and with the
  /// ledger's own escapes only. Throws `RecordProblem.malformed` with the byte's offset in the
  /// line.
  package static func json(_ line: [UInt8]) throws(RecordProblem) -> JSONValue {
    let rules = JSONReader.Rules(
      depthMax: LedgerLimits.depthMax, valuesMax: .max, isCompact: true)
    do throws(JSONProblem) {
      return try JSONValue(line, rules)
    } catch {
      throw .malformed(at: error.offset)
    }
  }
}
