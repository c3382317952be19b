/// A script in Lua that runs on the server, named by its digest.
package struct RedisScript: Sendable {
  /// For people, such as `statement`.
  package let name: String
  package let source: [UInt8]
  /// The SHA-1 digest of the source in hexadecimal digits.
  package let digest: [UInt8]

  package init(name: String, source: [UInt8]) {
    self.name = name
    self.source = source
    digest = SHA1.hexadecimal(of: source)
  }
}

/// One call of a script.
package struct RedisCall: Sendable {
  package let script: RedisScript
  package let keys: [[UInt8]]
  package let arguments: [[UInt8]]

  package init(_ script: RedisScript, keys: [[UInt8]], arguments: [[UInt8]]) {
    self.script = script
    self.keys = keys
    self.arguments = arguments
  }

  /// As EVALSHA takes it.
  var command: [[UInt8]] {
    [Array("EVALSHA".utf8), script.digest, Array(String(keys.count).utf8)] + keys + arguments
  }
}
