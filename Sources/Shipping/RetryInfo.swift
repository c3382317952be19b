import Bytes

/// Reads google.rpc.RetryInfo, with which OTLP receivers ask for a wait.
enum RetryInfo {
  private static let typeName = "google.rpc.RetryInfo"

  /// The delay in a google.rpc.Status {code=1, message=2, details=3: repeated Any {type_url=1,
  /// value=2}}, in milliseconds; nil where it has no RetryInfo {retry_delay=1 {seconds=1,
  /// nanos=2}}.
  static func delayMs(inStatus bytes: [UInt8]) -> Int64? {
    for case (3, .bytes(let any)) in ProtobufReader.fields(bytes) ?? [] {
      var typeURL: [UInt8] = []
      var value: [UInt8] = []
      for field in ProtobufReader.fields(any) ?? [] {
        switch field {
        case (1, .bytes(let bytes)): typeURL = bytes
        case (2, .bytes(let bytes)): value = bytes
        default: break
        }
      }
      // What is before the last slash says where the type is described.
      let name = typeURL.split(separator: UInt8(ascii: "/")).last ?? []
      guard name.elementsEqual(typeName.utf8), let fields = ProtobufReader.fields(value) else {
        continue
      }
      var delayMs: Int64 = 0
      for case (1, .bytes(let duration)) in fields { delayMs = milliseconds(duration) }
      return delayMs
    }
    return nil
  }

  /// A google.protobuf.Duration in milliseconds, rounded up, between 0 and `throttleMax`.
  private static func milliseconds(_ duration: [UInt8]) -> Int64 {
    var seconds: Int64 = 0
    var nanos: Int64 = 0
    for field in ProtobufReader.fields(duration) ?? [] {
      switch field {
      case (1, .varint(let value)): seconds = Int64(bitPattern: value)
      case (2, .varint(let value)): nanos = Int64(bitPattern: value)
      default: break
      }
    }
    let most = ShippingLimits.throttleMax.wholeMilliseconds
    guard seconds >= 0, nanos >= 0 else { return 0 }
    guard seconds <= most / 1000, nanos < 1_000_000_000 else { return most }
    return min(most, seconds * 1000 + (nanos + 999_999) / 1_000_000)
  }
}
