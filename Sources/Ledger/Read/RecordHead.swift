import Bytes

/// The fields at the beginning of every line, `{"type":"…","seq":N,"timestamp":"…"`. They are read
/// without the rest of the line, because a checkpoint's line may be very long.
package struct RecordHead: Equatable, Sendable {
  /// The record's type.
  package let type: String
  /// The record's number.
  package let seq: Int64
  /// The record's time in Unix milliseconds.
  package let timeMs: Int64

  /// Nil where the line does not begin like a record.
  package init?(line: [UInt8]) {
    guard let seq = SegmentReader.seq(of: line) else { return nil }
    let head = line.prefix(128)
    let typeStart = "{\"type\":\"".utf8.count
    type = String(decoding: head[typeStart...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    self.seq = seq
    guard let marker = head.firstRange(of: Array(",\"timestamp\":\"".utf8)),
      let time = UTCTime.milliseconds(
        String(decoding: head[marker.upperBound...].prefix(24), as: UTF8.self))
    else { return nil }
    timeMs = time
  }
}
