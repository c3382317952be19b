import Bytes

/// The `grpc-timeout` request header: 1 to 8 digits and a unit (gRPC over HTTP/2, Timeout).
enum GRPCTimeout {
  /// What the header says.
  enum Field: Equatable {
    case absent
    case malformed
    case nanoseconds(Int64)
  }

  /// Reads the header strictly: no sign, space, fraction or ninth digit.
  static func parse(_ value: Span<UInt8>) -> Field {
    guard value.count >= 2, value.count <= 9 else { return .malformed }
    var amount: Int64 = 0
    for index in 0..<value.count - 1 {
      guard case UInt8(ascii: "0")...UInt8(ascii: "9") = value[index] else { return .malformed }
      amount = amount * 10 + Int64(value[index] - UInt8(ascii: "0"))
    }
    let unit: Int64
    switch value[value.count - 1] {
    case UInt8(ascii: "H"): unit = 3_600_000_000_000
    case UInt8(ascii: "M"): unit = 60_000_000_000
    case UInt8(ascii: "S"): unit = 1_000_000_000
    case UInt8(ascii: "m"): unit = 1_000_000
    case UInt8(ascii: "u"): unit = 1_000
    case UInt8(ascii: "n"): unit = 1
    default: return .malformed
    }
    let (product, overflow) = amount.multipliedReportingOverflow(by: unit)
    return .nanoseconds(overflow ? .max : product)
  }

  /// Writes a duration in the finest unit that fits 8 digits, rounded up.
  static func format(_ duration: Duration) -> String {
    var amount = max(0, duration.wholeNanoseconds)
    for (unit, next) in [("n", 1_000), ("u", 1_000), ("m", 1_000), ("S", 60), ("M", 60)] {
      if amount < 100_000_000 { return "\(amount)\(unit)" }
      amount = amount / Int64(next) + (amount % Int64(next) == 0 ? 0 : 1)
    }
    return "\(min(amount, 99_999_999))H"
  }
}
