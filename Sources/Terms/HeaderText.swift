/// A piece of text that goes into replies: kept as text and as the bytes that are written.
package struct HeaderText: Hashable, Sendable {
  package let string: String
  package let bytes: [UInt8]

  package init(_ string: String) {
    self.string = string
    self.bytes = Array(string.utf8)
  }
}
