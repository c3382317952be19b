/// The team that pays. Never a bare `String` across targets.
package struct TenantID: Hashable, Sendable {
  package let name: String

  package init(name: String) { self.name = name }
}

/// A policy's canonical model name.
package struct ModelName: Hashable, Sendable {
  package let name: String

  package init(name: String) { self.name = name }
}

/// A piece of text that goes into replies: kept as text and as the bytes that are written.
package struct HeaderText: Hashable, Sendable {
  package let string: String
  package let bytes: [UInt8]

  package init(_ string: String) {
    self.string = string
    self.bytes = Array(string.utf8)
  }
}
