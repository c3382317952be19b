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
    let isOK = result.problem == nil && result.firstSeq != nil
    return "{\"ok\":\(isOK),\"records\":\(result.recordCount),"
      + "\"segments\":\(result.segmentCount),\"first_seq\":\(number(result.firstSeq)),"
      + "\"last_seq\":\(number(result.lastSeq)),\"void_bytes\":\(result.voidBytes),"
      + "\"repairs\":\(result.repairs.count),\"torn\":\(torn(result.torn)),"
      + "\"problem\":\(problem(result))}"
  }

  private static func torn(_ end: TornEnd?) -> String {
    guard let end else { return "null" }
    return "{\"file\":\(UsageText.jsonString(end.file)),\"offset\":\(end.offset),"
      + "\"bytes\":\(end.byteCount),\"records\":\(end.recordCount),"
      + "\"first_seq\":\(number(end.firstSeq)),\"last_seq\":\(number(end.lastSeq))}"
  }

  private static func problem(_ result: Verification) -> String {
    let kind: String
    var place: (file: String, offset: Int64?)?
    switch result.problem {
    case nil:
      guard result.firstSeq == nil else { return "null" }
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
    let message = result.problem?.description ?? "there is no ledger"
    let file = place.map { UsageText.jsonString($0.file) } ?? "null"
    return "{\"kind\":\"\(kind)\",\"file\":\(file),"
      + "\"offset\":\(number(place?.offset)),\"seq\":\(number(result.problemSeq)),"
      + "\"message\":\(UsageText.jsonString(message))}"
  }

  private static func number(_ value: Int64?) -> String { value.map(String.init) ?? "null" }
}
