import Hashing

/// The chain of hashes: each line's covers the one before.
package struct Chain: Equatable, Sendable {
  /// The hash of the last line; 32 zero bytes where the chain begins.
  package private(set) var head: SHA256Digest

  /// Where every chain begins.
  package static let origin = SHA256Digest(words: (0, 0, 0, 0))

  package init(after head: SHA256Digest = Chain.origin) { self.head = head }

  /// Ends a line that `LedgerRecord.encoded` began: its hash, its closing brace, its newline.
  package mutating func seal(_ line: inout [UInt8]) {
    head = Self.digest(after: head, line.span)
    line.append(contentsOf: LedgerFormat.hashPrefix)
    line.append(contentsOf: head.hexBytes)
    line.append(UInt8(ascii: "\""))
    line.append(UInt8(ascii: "}"))
    line.append(UInt8(ascii: "\n"))
  }

  /// Whether a line (without its newline) is sealed with the hash that belongs here; goes on if so.
  package mutating func follow(_ line: [UInt8]) -> Bool {
    let content = line.count - LedgerFormat.sealBytes
    guard content > 0 else { return false }
    let digest = Self.digest(after: head, line.span.extracting(0..<content))
    let seal = LedgerFormat.hashPrefix + digest.hexBytes + Array("\"}".utf8)
    guard line[content...].elementsEqual(seal) else { return false }
    head = digest
    return true
  }

  private static func digest(
    after head: SHA256Digest, _ content: Span<UInt8>
  ) -> SHA256Digest {
    var hash = SHA256()
    hash.update(head)
    hash.update(content)
    return hash.finalize()
  }
}
