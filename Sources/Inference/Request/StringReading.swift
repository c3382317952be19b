import Bytes

/// The state of a string that is being read (RFC 8259, 7).
struct StringReading {
  /// What the string is for.
  enum Role {
    /// A value of which only the bytes are counted.
    case text
    /// A key that cannot be an inspected one.
    case key
    /// The key of a member of the top level or of `stream_options`.
    case inspectedKey
    /// The value of `model`.
    case model
  }

  var role = Role.text
  var tally = TextTally()
  var name = FoldedName()
  /// A high surrogate from a `\u` escape, whose low one may follow; else 0.
  var highSurrogate: UInt32 = 0
  /// The digits of a `\u` escape so far, and how many are still to come.
  var unit: UInt32 = 0
  var digitsLeft: UInt8 = 0
  var sequence: UTF8Sequence?

  /// Begins the next string. The one before left no surrogate, escape or sequence unfinished.
  @inline(__always)
  mutating func begin(_ role: Role) {
    self.role = role
    tally = TextTally()
    if role == .inspectedKey { name = FoldedName() }
  }
}
