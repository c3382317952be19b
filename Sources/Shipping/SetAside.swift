import Bytes
import Ledger

/// The records that a target refused, each by itself: a file beside its cursor, one JSON object a
/// line, with the record's line as it stands in the ledger. It is for people, and for
/// `tollgate audit ship`; nothing reads it again.
package struct SetAside: Sendable {
  /// Why a record cannot be set aside.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file has reached its bound.
    case full(file: String)
    case files(LedgerFault)

    package var description: String {
      switch self {
      case .full(let file):
        "\(CursorFiles.directoryName)/\(file) has reached \(ShippingLimits.setAsideBytesMax) bytes:"
          + " look at it, and move it away"
      case .files(let fault): "\(CursorFiles.directoryName)/\(fault)"
      }
    }
  }

  private let files: any LedgerFiles

  /// In the directory of the cursors.
  package init(_ files: any LedgerFiles) { self.files = files }

  /// The name of a target's file.
  package static func fileName(of target: String) -> String {
    ShipCursor.fileName(of: target).dropLast(".cursor".utf8.count) + ".refused.jsonl"
  }

  /// Adds records; on disk when it returns.
  package func add(
    _ lines: [LedgerTail.Line], of target: String, because reason: String
  ) throws(Problem) {
    let name = Self.fileName(of: target)
    var bytes: [UInt8] = []
    do throws(LedgerFault) {
      bytes = try files.read(name, at: 0, count: ShippingLimits.setAsideBytesMax)
    } catch {
      guard error.isMissingFile else { throw .files(error) }
    }
    for line in lines { bytes += Self.entry(line, target, reason) }
    guard bytes.count <= ShippingLimits.setAsideBytesMax else { throw .full(file: name) }
    do throws(LedgerFault) {
      try files.replace(name, with: bytes)
    } catch { throw .files(error) }
  }

  private static func entry(
    _ line: LedgerTail.Line, _ target: String, _ reason: String
  ) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("seq", line.head.seq)
      json.field("target", target)
      json.field("reason", reason)
      if line.bytes.count <= ShippingLimits.setAsideLineBytesMax {
        json.field("line", String(decoding: line.bytes, as: UTF8.self))
      } else {
        json.null("line")
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
