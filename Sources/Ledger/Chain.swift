import Bytes

/// The hash chain of the ledger: the hash of each line covers the hash of the line before.
package struct Chain: Equatable, Sendable {
  /// The hash of the last line; `origin` where there is none.
  package private(set) var head: SHA256Digest

  /// The hash before the first line of every chain: 32 zero bytes.
  package static let origin = SHA256Digest(words: (0, 0, 0, 0))

  /// A chain whose last line has that hash.
  package init(after head: SHA256Digest = Chain.origin) { self.head = head }

  /// The chain before a segment, from the `previous_hash` in its checkpoint's line; nil where the
  /// line has none. Reads only the first 256 bytes, because a checkpoint may be very long.
  init?(beforeCheckpoint line: [UInt8]) {
    let name = Array("\"previous_hash\":\"".utf8)
    let head = line.prefix(256)
    guard let marker = head.firstRange(of: name),
      let digest = SHA256Digest(
        hex: String(decoding: head[marker.upperBound...].prefix(64), as: UTF8.self))
    else { return nil }
    self.init(after: digest)
  }

  /// The chain behind a line, from the hash at its end, which is not checked; nil where the line
  /// does not end in a hash.
  init?(claimedBy line: [UInt8]) {
    let content = line.count - LedgerFormat.sealBytes
    guard content > 0,
      let digest = SHA256Digest(
        hex: String(
          decoding: line[(content + LedgerFormat.hashPrefix.count)...].prefix(64), as: UTF8.self))
    else { return nil }
    self.init(after: digest)
  }

  /// Completes a line from `LedgerRecord.encoded()`: appends its hash, `}` and a newline.
  package mutating func seal(_ line: inout [UInt8]) { seal(&line, from: 0) }

  /// The same for the last of several lines, which begins at `start`.
  mutating func seal(_ lines: inout [UInt8], from start: Int) {
    head = Self.digest(after: head, lines.span.extracting(droppingFirst: start))
    lines.append(contentsOf: LedgerFormat.hashPrefix)
    head.appendHex(to: &lines)
    lines.append(contentsOf: Self.lineEnd)
  }

  private static let lineEnd = Array("\"}\n".utf8)

  /// Whether a line (without its newline) ends in the right hash. If so, it becomes the last line.
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
