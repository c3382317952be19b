import Bytes

/// A file that a receiver of shipped records wrote: the records' own lines, as `--ship tcp` and
/// `--ship stdout` send them, or OTLP JSON with a request a line, as a collector's file exporter writes
/// it. Every other line is passed over.
struct ShippedFile {
  /// A line of the file, and the lines of the records in it.
  struct Line {
    let offset: Int64
    let records: [[UInt8]]
  }

  /// As it was given.
  let path: String
  private let files: DirectoryFiles
  private let name: String
  private var reader: LineReader
  /// The line that was read last.
  private var last: Line?

  init(path: String) {
    self.path = path
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    files = DirectoryFiles(path: directory)
    reader = LineReader(files, name)
  }

  /// The next line; nil at the end.
  mutating func next() throws(LedgerProblem) -> Line? {
    guard let line = try reader.next() else { return nil }
    // One without a newline is the file's last.
    if !line.isComplete {
      reader = LineReader(files, name, from: line.offset + Int64(line.bytes.count))
    }
    let read = Line(offset: line.offset, records: Self.records(in: line.bytes))
    last = read
    return read
  }

  /// The records of the line at that offset, where `next` has found one before.
  mutating func records(at offset: Int64) throws(LedgerProblem) -> [[UInt8]] {
    if let last, last.offset == offset { return last.records }
    if reader.offset > offset || offset - reader.offset > Self.aheadBytesMax {
      reader = LineReader(files, name, from: offset)
    }
    while reader.offset < offset, let skipped = try reader.next(), skipped.isComplete {}
    return try next()?.records ?? []
  }

  /// How far ahead the file is read on; beyond it, it is read anew from the place.
  private static let aheadBytesMax: Int64 = 1 << 20

  private static func records(in line: [UInt8]) -> [[UInt8]] {
    if SegmentReader.seq(of: line) != nil { return [line] }
    guard line.first == UInt8(ascii: "{") else { return [] }
    let rules = JSONReader.Rules(
      depthMax: RestoreLimits.depthMax, valuesMax: RestoreLimits.lineValuesMax)
    guard let request = try? JSONValue(line, rules) else { return [] }
    var records: [[UInt8]] = []
    for resource in request["resourceLogs"].elements {
      for scope in resource["scopeLogs"].elements {
        for record in scope["logRecords"].elements {
          guard case .string(let text)? = record["body"]["stringValue"] else { continue }
          let bytes = Array(text.utf8)
          if SegmentReader.seq(of: bytes) != nil { records.append(bytes) }
        }
      }
    }
    return records
  }
}

/// The bounds of what `audit restore` reads.
package enum RestoreLimits {
  /// The most records in all files together. The place of each is kept in memory, 40 bytes.
  package static let recordsMax = 50_000_000
  /// The most values in one line of OTLP JSON.
  package static let lineValuesMax = 8_000_000
  /// How deep its JSON may nest.
  package static let depthMax = 32
  /// The most gaps that are named.
  package static let gapsNamedMax = 10
}

extension JSONValue? {
  /// The first member of that name; nil where it is no object or has none.
  fileprivate subscript(name: String) -> JSONValue? {
    guard case .object(let members)? = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// Empty where it is no list.
  fileprivate var elements: [JSONValue] {
    guard case .array(let elements)? = self else { return [] }
    return elements
  }
}

extension JSONValue {
  fileprivate subscript(name: String) -> JSONValue? { Optional(self)[name] }
}
