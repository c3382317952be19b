/// JSON's three literal names (RFC 8259, 3).
enum Literal {
  case `true`, `false`, null

  /// The bytes after the first one; the next byte to come is the lowest.
  var rest: UInt32 {
    switch self {
    case .true: 0x65_7572  // rue
    case .false: 0x6573_6C61  // alse
    case .null: 0x6C_6C75  // ull
    }
  }

  /// The value of `true` or `false`; nil for null.
  var bool: Bool? {
    switch self {
    case .true: true
    case .false: false
    case .null: nil
    }
  }
}
