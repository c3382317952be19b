import CInstructions

/// SHA-256 (FIPS 180-4), incremental: `update` any number of times, then `finalize`.
package struct SHA256 {
  /// Bytes in one block (FIPS 180-4, section 1).
  static let blockBytes = 64

  /// Whether this CPU has the SHA instructions; asked once.
  static let hasInstructions: Bool = {
    #if arch(x86_64)
      return tollgate_sha256_supported()
    #else
      return false
    #endif
  }()

  var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending = InlineArray<64, UInt8>(repeating: 0)
  private var pendingCount = 0
  private var byteCount: UInt64 = 0
  private let usesInstructions: Bool

  /// A hash of nothing yet.
  package init() {
    usesInstructions = Self.hasInstructions
  }

  /// A hash that keeps to the portable code, so that tests can hold the two equal.
  init(portable: Bool) {
    usesInstructions = !portable && Self.hasInstructions
  }

  /// The digest of `bytes` in one call.
  package static func digest(of bytes: Span<UInt8>) -> SHA256Digest {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finalize()
  }

  /// Adds `bytes` to what is hashed.
  package mutating func update(_ bytes: Span<UInt8>) {
    byteCount &+= UInt64(bytes.count)
    var at = 0
    if pendingCount > 0 {
      while at < bytes.count, pendingCount < Self.blockBytes {
        pending[pendingCount] = bytes[at]
        pendingCount += 1
        at += 1
      }
      guard pendingCount == Self.blockBytes else { return }
      compressPending()
    }
    let whole = (bytes.count - at) / Self.blockBytes * Self.blockBytes
    if whole > 0 {
      compress(bytes.extracting(at..<(at + whole)))
      at += whole
    }
    while at < bytes.count {
      pending[pendingCount] = bytes[at]
      pendingCount += 1
      at += 1
    }
  }

  /// Adds the digest's 32 bytes to what is hashed.
  package mutating func update(_ digest: SHA256Digest) {
    let words: InlineArray<4, UInt64> = [
      digest.words.0, digest.words.1, digest.words.2, digest.words.3,
    ]
    var bytes = InlineArray<32, UInt8>(repeating: 0)
    for index in bytes.indices {
      bytes[index] = UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(56 - 8 * (index % 8)))
    }
    update(bytes.span)
  }

  /// The digest of everything added: pads as FIPS 180-4, section 5.1.1, says.
  package consuming func finalize() -> SHA256Digest {
    let bits = byteCount &* 8
    pending[pendingCount] = 0x80
    pendingCount += 1
    let lengthAt = Self.blockBytes - 8
    if pendingCount > lengthAt {
      while pendingCount < Self.blockBytes { appendZero() }
      compressPending()
    }
    while pendingCount < lengthAt { appendZero() }
    for index in 0..<8 {
      pending[lengthAt + index] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * index))
    }
    compressPending()
    return SHA256Digest(words: (word(0), word(1), word(2), word(3)))
  }

  private func word(_ index: Int) -> UInt64 {
    UInt64(state[index * 2]) << 32 | UInt64(state[index * 2 + 1])
  }

  private mutating func appendZero() {
    pending[pendingCount] = 0
    pendingCount += 1
  }

  private mutating func compressPending() {
    let block = pending
    compress(block.span)
    pendingCount = 0
  }

  /// Feeds whole blocks into the state. `blocks.count` is a multiple of 64.
  private mutating func compress(_ blocks: Span<UInt8>) {
    #if arch(x86_64)
      if usesInstructions {
        var words = state.mutableSpan
        // Both pointers live only as long as the call; the C reads count / 64 blocks of 64 bytes
        // and eight words, which is what the spans hold.
        unsafe words.withUnsafeMutableBufferPointer { words in
          unsafe blocks.withUnsafeBufferPointer { blocks in
            unsafe tollgate_sha256_blocks(
              words.baseAddress, blocks.baseAddress, blocks.count / Self.blockBytes)
          }
        }
        return
      }
    #endif
    compressPortably(blocks)
  }
}
