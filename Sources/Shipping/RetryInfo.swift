import Bytes

/// Reads google.rpc.RetryInfo, with which OTLP receivers ask for a wait.
enum RetryInfo {
  /// The delay in a google.rpc.Status {code=1, message=2, details=3: repeated Any}, in milliseconds;
  /// nil where it has no RetryInfo or is malformed.
  static func delayMs(inStatus bytes: [UInt8]) -> Int64? {
    let status = bytes.span
    guard let details = try? details(in: status) else { return nil }
    for detail in details {
      // A malformed one is passed over.
      if let delay = try? delayMs(of: detail, in: status) { return delay }
    }
    return nil
  }

  private static func details(in status: Span<UInt8>) throws(WireError) -> [Range<Int>] {
    var details: [Range<Int>] = []
    var reader = WireReader(0..<status.count)
    while let field = try reader.next(in: status) {
      if field.number == 3, field.kind == .bytes { details.append(field.range) }
    }
    return details
  }

  /// Of an Any {type_url=1, value=2} that is a RetryInfo {retry_delay=1}; nil where it is another.
  private static func delayMs(
    of detail: Range<Int>, in bytes: Span<UInt8>
  ) throws(WireError) -> Int64? {
    var (typeURL, value) = (0..<0, 0..<0)
    var reader = WireReader(detail)
    while let field = try reader.next(in: bytes) {
      switch (field.number, field.kind) {
      case (1, .bytes): typeURL = field.range
      case (2, .bytes): value = field.range
      default: break
      }
    }
    guard isRetryInfo(bytes.extracting(typeURL)) else { return nil }
    var delayMs: Int64 = 0
    reader = WireReader(value)
    while let field = try reader.next(in: bytes) {
      guard field.number == 1, field.kind == .bytes else { continue }
      // A Duration that is malformed is 0.
      delayMs = (try? milliseconds(field.range, in: bytes)) ?? 0
    }
    return delayMs
  }

  /// What is before the last slash says where the type is described.
  private static func isRetryInfo(_ typeURL: Span<UInt8>) -> Bool {
    var start = typeURL.count
    while start > 0, typeURL[start - 1] != UInt8(ascii: "/") { start -= 1 }
    return typeURL.extracting(start..<typeURL.count).elementsEqual("google.rpc.RetryInfo")
  }

  /// A google.protobuf.Duration {seconds=1, nanos=2} in milliseconds, rounded up, between 0 and
  /// `throttleMax`.
  private static func milliseconds(
    _ duration: Range<Int>, in bytes: Span<UInt8>
  ) throws(WireError) -> Int64 {
    var seconds: Int64 = 0
    var nanos: Int64 = 0
    var reader = WireReader(duration)
    while let field = try reader.next(in: bytes) {
      switch (field.number, field.kind) {
      case (1, .varint): seconds = Int64(bitPattern: field.value)
      case (2, .varint): nanos = Int64(bitPattern: field.value)
      default: break
      }
    }
    let most = ShippingLimits.throttleMax.wholeMilliseconds
    guard seconds >= 0, nanos >= 0 else { return 0 }
    guard seconds <= most / 1000, nanos < 1_000_000_000 else { return most }
    return min(most, seconds * 1000 + (nanos + 999_999) / 1_000_000)
  }
}
