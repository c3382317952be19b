import Bytes

/// Tells from a body's first bytes what it is, because content types are often wrong: JSON, server-sent
/// events, or neither.
struct FramingProbe {
  enum Framing: Equatable {
    case json
    /// The stream has begun with a field of this name and its colon: the name's bytes as one number, the
    /// last one lowest, and how many there are. A comment has none.
    case events(name: UInt64, count: Int)
    case neither
  }

  private var name: UInt64 = 0
  private var count = 0

  /// Whether anything has come but what may come first.
  var hasBegun: Bool { count > 0 }

  /// Takes the next byte; nil as long as it cannot be told. Empty lines, spaces and a byte order mark
  /// may come first.
  mutating func take(_ byte: UInt8) -> Framing? {
    if count == 0 {
      switch byte {
      case 0x09, 0x0A, 0x0D, 0x20, 0xEF, 0xBB, 0xBF: return nil
      case UInt8(ascii: "{"): return .json
      default: break
      }
    }
    if byte == UInt8(ascii: ":") {
      return Self.isField(name, count) ? .events(name: name, count: count) : .neither
    }
    guard byte &- UInt8(ascii: "a") < 26, count < 5 else { return .neither }
    name = name << 8 | UInt64(byte)
    count += 1
    return nil
  }

  /// Whether it is one of the fields that server-sent events have; a comment has an empty name.
  private static func isField(_ name: UInt64, _ count: Int) -> Bool {
    switch count {
    case 0: true
    case 2: name == 0x6964  // id
    case 4: name == 0x6461_7461  // data
    case 5: name == 0x65_7665_6E74 || name == 0x72_6574_7279  // event, retry
    default: false
    }
  }
}
