import Bytes
import Gateway
import Ledger

/// `/api/v1/requests/{id}`: everything on record about one request, by Tollgate's id or Envoy's.
///
/// On the admin server's thread.
struct RequestReport {
  /// The longest id that is looked for.
  static let idBytesMax = 64

  let id: String
  /// The ledger's directory.
  let directory: String

  /// Nil where the text can be no id: letters, digits, `_` and `-`.
  init?(id: Substring, directory: String) {
    let isID = id.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isID, !id.isEmpty, id.utf8.count <= Self.idBytesMax else { return nil }
    self.id = String(id)
    self.directory = directory
  }

  /// The whole answer.
  var response: HTTPResponse {
    let madeMs = RequestIDs.unixMilliseconds(of: Array(id.utf8).span)
    do throws(LedgerProblem) {
      let lookup = try RequestLookup.run(
        LedgerDirectory.files(of: directory), id: id, madeMs: madeMs)
      return .json(lookup.found.isEmpty ? .notFound : .ok, json(lookup, madeMs))
    } catch {
      return .error(.serviceUnavailable, "the ledger cannot be read: \(error)")
    }
  }

  private func json(_ lookup: RequestLookup, _ madeMs: Int64?) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("request_id", id)
      json.field("made", timeMs: madeMs)
      // Whether all was read that may be about it; a part of the ledger, where that is long.
      json.field("complete", lookup.isComplete)
      Self.add("records", lookup.found, to: &json)
      Self.add("nearby", lookup.nearby, to: &json)
    }
    return json.bytes
  }

  /// The records' own lines, which are JSON.
  private static func add(
    _ name: StaticString, _ found: [RequestSearch.Found], to json: inout JSONWriter
  ) {
    json.array(name) { json in
      for one in found { json.value(json: one.line) }
    }
  }
}
