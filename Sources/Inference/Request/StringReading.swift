import Bytes

/// A string while it is being read (RFC 8259, 7).
struct StringReading {
  /// What the string is for.
  enum Role {
    /// A value that only counts; a key that does not matter.
    case text, key
    /// The key of a member of the top level or of `stream_options`; the model's name.
    case inspectedKey, model
  }

  var role = Role.text
  var tally = TextTally()
  var name = FoldedName()
  /// The first half of a surrogate pair, when an escape gave one; else 0.
  var highSurrogate: UInt32 = 0
  /// The code unit of a `\u` escape, and how many of its digits are to come.
  var unit: UInt32 = 0
  var digitsLeft: UInt8 = 0
  var sequence: UTF8Sequence?

  /// Begins with the next string. The last one left no surrogate, escape or sequence open.
  @inline(__always)
  mutating func begin(_ role: Role) {
    self.role = role
    tally = TextTally()
    if role == .inspectedKey { name = FoldedName() }
  }
}
