/// A SHA-256 digest (FIPS 180-4): 32 bytes, compared and hashed as four words.
package struct SHA256Digest: Hashable, Sendable {
  /// The digest's bytes, big-endian, eight to a word.
  package var words: (UInt64, UInt64, UInt64, UInt64)

  package init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  package static func == (a: Self, b: Self) -> Bool {
    (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2)
      | (a.words.3 ^ b.words.3) == 0
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
  }
}

/// SHA-256 (FIPS 180-4), incremental.
package struct SHA256 {
  /// The digest of `bytes` in one call.
  package static func digest(of bytes: Span<UInt8>) -> SHA256Digest {
    fatalError("unimplemented")
  }
}
