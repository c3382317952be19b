import Bytes

/// Reads an `envoy.config.core.v3.HeaderMap` in place: `headers = 1`, each a `HeaderValue {key = 1,
/// value = 2, raw_value = 3}`.
public enum HeaderMap {
  /// Calls `visit` for every header in order with the ranges of its name and its value. Where both
  /// `value` and `raw_value` are given, `raw_value` counts, as in Envoy.
  @inlinable @inline(__always)
  package static func forEach(
    in bytes: Span<UInt8>, _ map: Range<Int>,
    _ visit: (_ name: Range<Int>, _ value: Range<Int>) -> Void
  ) throws(WireError) {
    var headers = WireReader(map)
    while let header = try headers.next(in: bytes) {
      guard header.number == 1 else { continue }
      var name = 0..<0
      var value = 0..<0
      var rawValue = 0..<0
      var parts = WireReader(try header.content())
      while let part = try parts.next(in: bytes) {
        switch part.number {
        case 1: name = try part.content()
        case 2: value = try part.content()
        case 3: rawValue = try part.content()
        default: break
        }
      }
      visit(name, rawValue.isEmpty ? value : rawValue)
    }
  }
}
