import Bytes

/// The state of a string that is being read (RFC 8259, 7).
struct StringReading {
  /// What the string is for.
  enum Role {
    /// A value of which only the bytes are counted.
    case text
    /// A key of an object in which none is looked at; its bytes are counted too.
    case key
    /// A key that may be an inspected one.
    case inspectedKey
    /// A value that is kept: a name, an id.
    case captured
    /// A value that stands where a picture, sound or a file is.
    case media
  }

  var role = Role.text
  /// The bytes so far, unescaped; a lone surrogate counts as three.
  var byteCount = 0
  var name = FoldedName()
  var media = MediaReading(isSound: false)
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
    byteCount = 0
    if role == .inspectedKey { name = FoldedName() }
  }
}
