/// One file of a policy, with its bytes.
package struct PolicySource: Sendable {
  /// Its path, or the key of a ConfigMap, as messages name it.
  package let name: String
  package let bytes: [UInt8]

  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
