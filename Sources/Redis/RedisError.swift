/// An error that a server answered.
package struct RedisError: Error, Equatable, Sendable {
  /// The first word, by which errors are told apart: READONLY, MOVED, ERR. Empty where there is none.
  package let word: String
  /// What follows it. May repeat what it was sent: see `description`.
  package let text: String

  package init(word: String, text: String = "") {
    self.word = word
    self.text = text
  }

  /// Reads the line of an error. A word is of capital letters, at most `wordBytesMax`.
  init(line: some Collection<UInt8>) {
    let word = line.prefix { (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) }
    let rest = line.dropFirst(word.count)
    let isWord =
      (1...Self.wordBytesMax).contains(word.count) && (rest.isEmpty || rest.first == 0x20)
    self.word = isWord ? String(decoding: word, as: UTF8.self) : ""
    text = String(decoding: isWord ? Array(rest.dropFirst()) : Array(line), as: UTF8.self)
  }

  /// The longest word; Redis has none of half that.
  package static let wordBytesMax = 32

  /// For the log: printable and short. Not for answers to commands that carry a password, which
  /// servers may repeat.
  package var description: String {
    let printable = text.utf8.prefix(RedisLimits.errorTextBytesMax).map {
      (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?")
    }
    let words = String(decoding: printable, as: UTF8.self)
    if word.isEmpty { return words.isEmpty ? "an error without words" : words }
    return words.isEmpty ? word : "\(word) \(words)"
  }
}

extension RedisError {
  /// What is to be done about an error of a call.
  package enum Kind: Equatable, Sendable {
    /// A cluster's slot is on another server from now on.
    case moved(slot: Int, to: RedisNode)
    /// This once another server is to be asked: the slot is on its way there.
    case ask(slot: Int, to: RedisNode)
    /// The server does not know the script.
    case noScript
    /// This server does not serve now, or not us: connect again, and look whether it is still the one.
    case notServing
    /// The call failed and the connection is good.
    case failed
  }

  /// `host`: whom it was asked of; an address without a host means the same one.
  package func kind(askedOf host: RedisNode) -> Kind {
    switch word {
    case "MOVED", "ASK":
      guard let (slot, node) = redirection(host) else { return .failed }
      return word == "ASK" ? .ask(slot: slot, to: node) : .moved(slot: slot, to: node)
    case "NOSCRIPT": return .noScript
    // A replica; a server that reads its data, has lost its master, or wants another password.
    case "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "WRONGPASS": return .notServing
    default: return .failed
    }
  }

  /// `SLOT HOST:PORT`; the host may be an IPv6 address, whose last colon is the port's.
  private func redirection(_ host: RedisNode) -> (Int, RedisNode)? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, let slot = RESPNumber.read(Array(parts[0].utf8)[...]),
      (0..<Int64(HashSlot.count)).contains(slot), let colon = parts[1].lastIndex(of: ":"),
      let port = RESPNumber.read(Array(parts[1][parts[1].index(after: colon)...].utf8)[...]),
      let node = host.sibling(host: String(parts[1][..<colon]), port: port)
    else { return nil }
    return (Int(slot), node)
  }

  /// The words that metrics tell apart; all others count as one.
  package static let knownWords: Set<String> = [
    "ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "ERR", "LOADING", "MASTERDOWN", "MISCONF", "MOVED",
    "NOAUTH", "NOPERM", "NOREPLICAS", "NOSCRIPT", "OOM", "READONLY", "TRYAGAIN", "WRONGPASS",
    "WRONGTYPE",
  ]
}
