/// A text that is written into header values of many replies. It is kept as a string and as UTF-8
/// bytes, so that a reply does not convert it again.
package struct HeaderText: Hashable, Sendable {
  /// The text.
  package let string: String
  /// The same in UTF-8.
  package let bytes: [UInt8]

  package init(_ string: String) {
    self.string = string
    self.bytes = Array(string.utf8)
  }
}
