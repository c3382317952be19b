/// A script in Lua that runs on the server. The server names it by a digest, which it says itself when
/// it is given the source.
package struct RedisScript: Sendable {
  /// For people, such as `statement`.
  package let name: String
  package let source: [UInt8]

  package init(name: String, source: [UInt8]) {
    self.name = name
    self.source = source
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

  /// With the digest as EVALSHA takes it; without one as EVAL does, which needs the whole source.
  func command(digest: [UInt8]?) -> [[UInt8]] {
    [Array((digest == nil ? "EVAL" : "EVALSHA").utf8), digest ?? script.source]
      + [Array(String(keys.count).utf8)] + keys + arguments
  }
}
