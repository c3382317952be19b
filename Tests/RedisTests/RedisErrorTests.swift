import Testing

@testable import Redis

/// Errors, what they lead to, and where a redirection points.
@Suite struct RedisErrorTests {
  private static let asked = RedisNode.tcp(host: "10.0.0.1", port: 7000)

  @Test(
    arguments: [
      ("MOVED 3999 127.0.0.1:6381", .moved(slot: 3999, to: .tcp(host: "127.0.0.1", port: 6381))),
      ("MOVED 0 redis-1.redis:6379", .moved(slot: 0, to: .tcp(host: "redis-1.redis", port: 6379))),
      ("MOVED 16383 ::1:7001", .moved(slot: 16383, to: .tcp(host: "::1", port: 7001))),
      ("MOVED 1 :7002", .moved(slot: 1, to: .tcp(host: "10.0.0.1", port: 7002))),
      ("MOVED 1 ?:7002", .moved(slot: 1, to: .tcp(host: "10.0.0.1", port: 7002))),
      ("ASK 7 127.0.0.1:6381", .ask(slot: 7, to: .tcp(host: "127.0.0.1", port: 6381))),
      ("MOVED 16384 127.0.0.1:6381", .failed), ("MOVED -1 127.0.0.1:6381", .failed),
      ("MOVED 1 127.0.0.1:0", .failed), ("MOVED 1 127.0.0.1:65536", .failed),
      ("MOVED 1 127.0.0.1", .failed), ("MOVED 1", .failed), ("MOVED", .failed),
      ("MOVED 1 a:1 b:2", .failed), ("MOVED 1 a\u{1}b:1", .failed),
      ("NOSCRIPT No matching script", .noScript),
      ("READONLY You can't write against a read only replica.", .notServing),
      ("LOADING Redis is loading", .notServing),
      ("MASTERDOWN Link with MASTER is down", .notServing),
      ("NOAUTH Authentication required.", .notServing), ("WRONGPASS invalid", .notServing),
      ("CLUSTERDOWN The cluster is down", .failed), ("TRYAGAIN Multiple keys", .failed),
      ("NOREPLICAS Not enough good replicas", .failed), ("MISCONF Errors writing", .failed),
      ("OOM command not allowed", .failed), ("BUSY Redis is busy", .failed),
      ("NOPERM this user has no permissions", .failed), ("ERR anything", .failed), ("", .failed),
    ] as [(String, RedisError.Kind)])
  func `An error leads to what its first word says`(line: String, kind: RedisError.Kind) {
    #expect(RedisError(line: Array(line.utf8)).kind(askedOf: Self.asked) == kind)
  }

  @Test func `A server on a socket cannot be the host of a redirection without one`() {
    let error = RedisError(line: Array("MOVED 1 :7002".utf8))
    #expect(error.kind(askedOf: .unix(path: "/s")) == .failed)
  }

  @Test(arguments: [
    ("ERR x", "ERR", "x"), ("ERR", "ERR", ""), ("Err x", "", "Err x"), (" ERR", "", " ERR"),
    ("ERR: x", "", "ERR: x"), ("", "", ""), ("WRONG1 a  b", "WRONG1", "a  b"),
  ])
  func `The first word is one of capitals`(line: String, word: String, text: String) {
    #expect(RedisError(line: Array(line.utf8)) == RedisError(word: word, text: text))
  }

  @Test func `A word has at most so many letters`() {
    let word = String(repeating: "A", count: RedisError.wordBytesMax)
    #expect(RedisError(line: Array("\(word) x".utf8)).word == word)
    #expect(RedisError(line: Array("\(word)A x".utf8)).word == "")
  }

  @Test func `A server's words are shown printable and cut`() {
    let most = RedisLimits.errorTextBytesMax
    let long = RedisError(word: "ERR", text: String(repeating: "a", count: most + 1))
    #expect(long.description == "ERR " + String(repeating: "a", count: most))
    #expect(RedisError(word: "ERR", text: "a\u{1b}[2J\n").description == "ERR a?[2J?")
    #expect(RedisError(word: "", text: "").description == "an error without words")
  }

  @Test func `A host has at most as many bytes as a name may have`() {
    let host = String(repeating: "h", count: RedisNode.hostBytesMax)
    #expect(Self.asked.sibling(host: host, port: 1) == .tcp(host: host, port: 1))
    #expect(Self.asked.sibling(host: host + "h", port: 1) == nil)
  }
}

/// Slots, beside the digests of the specification and what redis-server 7.0.15 answers to CLUSTER
/// KEYSLOT.
@Suite struct HashSlotTests {
  @Test func `The checksum is CRC-16 XMODEM`() {
    #expect(HashSlot.crc16(Array("123456789".utf8)) == 0x31c3)
    #expect(HashSlot.crc16([]) == 0)
  }

  @Test(arguments: [
    ("somekey", 11058), ("foo{hash_tag}", 2515), ("bar{hash_tag}", 2515), ("foo{}{bar}", 8363),
    ("foo{{bar}}zap", 4015), ("{bar", 4015), ("foo{bar}{zap}", 5061), ("bar", 5061),
    ("}a{b}", 3300), ("b", 3300), ("", 0),
  ])
  func `A key's slot goes by what is in its braces`(key: String, slot: Int) {
    #expect(HashSlot.of(Array(key.utf8)) == slot)
  }
}
