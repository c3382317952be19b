/// One value of the Redis serialization protocol, version 2 or 3. Types that say the same to us are
/// one case: a set is a list, and simple, bulk and verbatim strings, fractions and big numbers are the
/// bytes that were sent.
package indirect enum RESPValue: Equatable, Sendable {
  case null
  case integer(Int64)
  case bool(Bool)
  case string([UInt8])
  case error(RedisError)
  case list([RESPValue])
  /// Keys and values in turn.
  case map([RESPValue])
  /// What a server says without being asked.
  case push([RESPValue])

  /// The elements of a list or a map; nil of anything else.
  package var elements: [RESPValue]? {
    switch self {
    case .list(let elements), .map(let elements): elements
    case .null, .integer, .bool, .string, .error, .push: nil
    }
  }

  /// A string as text; invalid UTF-8 is replaced.
  package var text: String? {
    guard case .string(let bytes) = self else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A number, or a string that is one: version 2 sends some numbers so.
  package var number: Int64? {
    switch self {
    case .integer(let number): number
    case .string(let bytes): RESPNumber.read(bytes[...])
    case .null, .bool, .error, .list, .map, .push: nil
    }
  }
}

/// Whole numbers as the protocol writes them.
enum RESPNumber {
  /// Reads a number with an optional sign; nil where it is none, or does not fit.
  static func read(_ digits: ArraySlice<UInt8>) -> Int64? {
    var rest = digits
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    guard (1...19).contains(rest.count) else { return nil }
    var number: Int64 = 0
    for digit in rest {
      guard (0x30...0x39).contains(digit) else { return nil }
      let (tens, over) = number.multipliedReportingOverflow(by: 10)
      // Counted downwards: the smallest number has no positive twin.
      let (sum, under) = tens.subtractingReportingOverflow(Int64(digit - 0x30))
      if over || under { return nil }
      number = sum
    }
    if isNegative { return number }
    return number == .min ? nil : -number
  }
}
