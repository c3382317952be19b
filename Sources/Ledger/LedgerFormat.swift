import Bytes

/// The ledger's file format, and the rules that say which bytes count.
///
/// - A ledger is a directory of segments, `<first seq, 20 digits>.jsonl`. A line is one record, a
///   JSON object that ends with `,"hash":"<64 hex>"}` and a newline. The hash is SHA-256 of the 32
///   bytes of the line before's hash, followed by this line's bytes before `,"hash"`. A line begins
///   with `{"type":"…","seq":N,"timestamp":"…"`; `seq` counts by one.
/// - A segment begins with a checkpoint: the hash before it, every counter, every open exchange.
///   A segment appears with its checkpoint, and with what is carried behind it, on disk: these are
///   written to `<name>.unfinished`, flushed, and renamed.
/// - **A segment ends where the next one begins.** Whatever a segment holds after the record before
///   the next segment's first `seq` is void: bytes of a batch whose write or flush failed. Nobody was
///   told that they were kept, the writer never touched that file again, and the next checkpoint
///   speaks of what is true without them.
/// - A record of a failed batch that must not be lost (a completion, a denial; in relaxed mode an
///   admission too) is written again behind the next checkpoint with `"carried":true`: that
///   checkpoint's counters and open exchanges have it in them already, so a reader that sums
///   charges leaves it out; a crash leaves both or neither. It keeps its first timestamp; all others never run backwards.
/// - **What a crash leaves at the end of the last segment is torn; anything else that does not fit is
///   damage.** All that is not flushed is one batch (`LedgerLimits.batchBytesMax`) at the file's end, and
///   nobody was told of it. A process that is killed leaves a prefix of it: whole lines that fit, then
///   at most one line without its newline. So does a machine that loses power, whose file system
///   may also have stored later blocks and the file's length without earlier blocks: such a hole reads
///   as NUL bytes (no file system in its default mode shows a file what it did not write), from the
///   flushed end or a sector's beginning to a sector's or the file's end. No record holds a NUL byte,
///   so a hole is always in the first line that does not fit; whole records may stand behind it.
///   Recovery keeps all of that aside as `.torn`.
/// - So a line that has its newline, does not fit, and has no hole is damage, whatever is behind it:
///   a changed or removed record, a bad block. So is every line that does not fit before a `stop`: the
///   writer writes that only when all before it is flushed. And a line whose end is missing but that
///   holds another record's beginning: its newline has gone, and that was no crash.
/// - A last segment without a whole checkpoint and without anything behind it is torn as well.
/// - A repaired ledger goes on in a segment whose checkpoint's previous hash is 32 zero bytes and
///   whose second record is a `repair` that names the damage.
package enum LedgerFormat {
  /// The number in `start` and `checkpoint` records; a newer one is refused.
  package static let number: Int64 = 2
  /// The first format whose checkpoints have `estimates`: what was learned of each model's tokens.
  static let withEstimates: Int64 = 2
  /// The first record's `seq`.
  package static let firstSeq: Int64 = 1

  /// `,"hash":"`.
  static let hashPrefix = Array(",\"hash\":\"".utf8)
  /// Bytes of a line from `,"hash"` on, without the newline.
  static let sealBytes = hashPrefix.count + 64 + 2

  /// A line's JSON, which has no blank space and no escapes but those the ledger writes.
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
