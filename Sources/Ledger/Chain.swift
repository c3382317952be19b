import Bytes

/// The chain of hashes: each line's covers the one before.
package struct Chain: Equatable, Sendable {
  /// The hash of the last line; 32 zero bytes where the chain begins.
  package private(set) var head: SHA256Digest

  /// Where every chain begins.
  package static let origin = SHA256Digest(words: (0, 0, 0, 0))

  package init(after head: SHA256Digest = Chain.origin) { self.head = head }

  /// What a segment's checkpoint says was before it; nil where the line does not say it. Only the
  /// line's beginning is read: a checkpoint may be very long.
  init?(beforeCheckpoint line: [UInt8]) {
    let name = Array("\"previous_hash\":\"".utf8)
    let head = line.prefix(256)
    guard let marker = head.firstRange(of: name),
      let digest = SHA256Digest(
        hex: String(decoding: head[marker.upperBound...].prefix(64), as: UTF8.self))
    else { return nil }
    self.init(after: digest)
  }

  /// Behind a line whose own hash is believed; nil where it does not end in one.
  init?(claimedBy line: [UInt8]) {
    let content = line.count - LedgerFormat.sealBytes
    guard content > 0,
      let digest = SHA256Digest(
        hex: String(
          decoding: line[(content + LedgerFormat.hashPrefix.count)...].prefix(64), as: UTF8.self))
    else { return nil }
    self.init(after: digest)
  }

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
