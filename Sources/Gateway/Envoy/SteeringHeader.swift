import Bytes

/// The names of request headers that steer what stands behind Tollgate: its own, which routes and
/// backends believe; those of endpoint pickers and of the sidecars beside model servers, which
/// choose the model, the objective and the address by them; and those by which servers and
/// frameworks believe another method, path or host than the request's. No client's copy goes on.
enum SteeringHeader {
  /// Names that begin so.
  static let prefixes = [
    "x-gateway-", "x-llm-d-", "x-prefiller-", "x-encoder-host", "x-data-parallel-",
    "x-kv-cache-source-",
  ].map { Array($0.utf8) }

  /// Whole names. `x-forwarded-host` is not among them: a proxy before Envoy may be the one that
  /// wrote it, and only the edge knows which proxies it trusts.
  static let names =
    (HeaderName.ofRequest.map { "\($0)" }
    + [
      "x-http-method", "x-http-method-override", "x-method-override", "x-original-url",
      "x-original-uri", "x-original-path", "x-original-host", "x-original-method",
      "x-rewrite-url", "x-rewrite-uri",
    ]).map { Array($0.utf8) }

  /// The letters that stand behind `x-` in them, a bit for each: most headers are ruled out by theirs.
  private static let letters = (names + prefixes).reduce(UInt32(0)) { $0 | bit(of: $1[2]) }

  private static func bit(of letter: UInt8) -> UInt32 {
    let place = letter.lowercasedASCII &- UInt8(ascii: "a")
    return place < 26 ? 1 << UInt32(place) : 0
  }

  /// Whether `name` is one of these in any spelling: case, and `_` for `-`, which some servers take
  /// for the same header.
  @inline(__always)
  static func isSpelled(_ name: Span<UInt8>) -> Bool {
    guard name.count >= 8, name[0] | 0x20 == UInt8(ascii: "x"),
      name[1] == UInt8(ascii: "-") || name[1] == UInt8(ascii: "_")
    else { return false }
    return isAnySpelling(name)
  }

  private static func isAnySpelling(_ name: Span<UInt8>) -> Bool {
    guard letters & bit(of: name[2]) != 0 else { return false }
    for known in names where known.count == name.count && name.startsAsHeader(known) {
      return true
    }
    for prefix in prefixes where name.startsAsHeader(prefix) { return true }
    return false
  }
}

extension Span where Element == UInt8 {
  /// Whether these bytes begin with `known`, which is in lower case with `-`, in any spelling of a
  /// header's name.
  func startsAsHeader(_ known: [UInt8]) -> Bool {
    guard count >= known.count else { return false }
    for index in known.indices {
      let byte = self[index] == UInt8(ascii: "_") ? UInt8(ascii: "-") : self[index].lowercasedASCII
      if byte != known[index] { return false }
    }
    return true
  }
}
