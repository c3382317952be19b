import Bytes

/// The id in `GET /v1/models/{id}`. Clients encode what a path does not allow in a segment, and some of
/// them more: `org/name` comes as `org%2Fname`.
package enum ModelID {
  /// The id with every percent-encoding (RFC 3986, section 2.1) decoded once; nil where one is
  /// malformed.
  package static func decoded(_ id: Span<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(id.count)
    var at = 0
    while at < id.count {
      guard id[at] == UInt8(ascii: "%") else {
        result.append(id[at])
        at += 1
        continue
      }
      guard at + 2 < id.count, let high = Hex.value(id[at + 1]), let low = Hex.value(id[at + 2])
      else { return nil }
      result.append(high << 4 | low)
      at += 3
    }
    return result
  }
}
