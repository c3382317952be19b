import Bytes
import Ledger

/// The result of `audit verify` as a line or JSON.
enum VerificationText {
  /// The line for a ledger in which nothing is wrong; nil where there is no record at all.
  static func line(_ result: Verification) -> String? {
    guard let first = result.firstSeq, let last = result.lastSeq else { return nil }
    let start = first == 1 ? "from the first record on" : "the chain starts at record \(first)"
    let void =
      result.voidBytes == 0 ? "" : ", \(Counted.text(result.voidBytes, "byte")) of failed writes"
    return "ok: records \(first) to \(last) in \(Counted.text(result.segmentCount, "segment")), "
      + start + void
  }

  /// One JSON object. `problem` is null where nothing is wrong; otherwise it says what is wrong,
  /// where, and at which record.
  static func json(_ result: Verification) -> String {
    var json = JSONWriter()
    json.object { json in
      json.field("ok", result.problem == nil && result.firstSeq != nil)
      json.field("records", result.recordCount)
      json.field("segments", result.segmentCount)
      json.field("first_seq", result.firstSeq)
      json.field("last_seq", result.lastSeq)
      json.field("void_bytes", result.voidBytes)
      json.field("repairs", result.repairs.count)
      torn(result.torn, to: &json)
      problem(of: result, to: &json)
    }
    return json.text
  }

  private static func torn(_ end: TornEnd?, to json: inout JSONWriter) {
    guard let end else { return json.null("torn") }
    json.object("torn") { json in
      json.field("file", end.file)
      json.field("offset", end.offset)
      json.field("bytes", end.byteCount)
      json.field("records", end.recordCount)
      json.field("first_seq", end.firstSeq)
      json.field("last_seq", end.lastSeq)
    }
  }

  private static func problem(of result: Verification, to json: inout JSONWriter) {
    let kind: String
    var place: (file: String, offset: Int64?)?
    switch result.problem {
    case nil:
      guard result.firstSeq == nil else { return json.null("problem") }
      kind = "no_ledger"
    case .damaged(let file, let offset, let damage):
      kind = damage.name
      place = (file, offset)
    case .newerFormat(let file, _):
      kind = "newer_format"
      place = (file, nil)
    case .files(let fault):
      kind = "files"
      place = (fault.file, nil)
    }
    json.object("problem") { json in
      json.field("kind", kind)
      json.field("file", place?.file)
      json.field("offset", place?.offset)
      json.field("seq", result.problemSeq)
      json.field("message", result.problem?.description ?? "there is no ledger")
    }
  }
}
