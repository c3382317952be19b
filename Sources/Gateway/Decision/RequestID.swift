import Bytes

/// `req_` and a ULID (26 characters of Crockford's base 32): 48 bits of milliseconds since 1970 and
/// 80 random bits. Sorts by time; unique without asking anyone.
package struct RequestIDs {
  private var generator: Xoshiro256
  private static let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
  private static let prefix: StaticString = "req_"
  /// The number of bytes of an id.
  package static let byteCount = 30

  /// `seed`: where the random halves come from; one for each loop.
  package init(seed: Xoshiro256) {
    generator = seed
  }

  /// The next id, its 30 bytes.
  package mutating func next(unixMilliseconds: Int64) -> [UInt8] {
    let time = UInt64(truncatingIfNeeded: unixMilliseconds)
    let high = generator.next()
    let low = generator.next()
    return [UInt8](capacity: Self.byteCount) { id in
      for index in 0..<4 { id.append(Self.byte(Self.prefix, index)) }
      for index in 0..<10 {
        id.append(Self.digit(time >> UInt64(45 - 5 * index)))
      }
      for index in 0..<8 {
        id.append(Self.digit(high >> UInt64(5 * index)))
      }
      for index in 0..<8 {
        id.append(Self.digit(low >> UInt64(5 * index)))
      }
    }
  }

  /// The digit of the lowest five bits.
  @inline(__always)
  private static func digit(_ bits: UInt64) -> UInt8 {
    byte(alphabet, Int(truncatingIfNeeded: bits & 31))
  }

  @inline(__always)
  private static func byte(_ literal: StaticString, _ index: Int) -> UInt8 {
    precondition(index < literal.utf8CodeUnitCount)
    // Inside the literal, whose bytes live as long as the program.
    return unsafe literal.utf8Start[index]
  }

  /// When an id of ours was made, in Unix milliseconds; nil for another text.
  package static func unixMilliseconds(of text: Span<UInt8>) -> Int64? {
    guard isWellFormed(text) else { return nil }
    var time: Int64 = 0
    for index in 4..<14 {
      let value = (0..<32).first { byte(alphabet, $0) == text[index] }
      time = time << 5 | Int64(value ?? 0)
    }
    return time
  }

  /// Whether `text` can be an id of ours (handed from ext_authz to ext_proc).
  package static func isWellFormed(_ text: Span<UInt8>) -> Bool {
    guard text.count == byteCount, text.starts(with: prefix) else { return false }
    for index in 4..<byteCount {
      guard (0..<32).contains(where: { byte(alphabet, $0) == text[index] }) else { return false }
    }
    return true
  }
}

/// xoshiro256** (Blackman and Vigna): fast, well mixed, not for secrets. One per loop, seeded from
/// the kernel.
package struct Xoshiro256: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Seeded from the system's generator.
  package init() {
    var system = SystemRandomNumberGenerator()
    state = (system.next(), system.next(), system.next(), system.next() | 1)
  }

  /// Seeded for tests; not all words may be zero.
  package init(words: (UInt64, UInt64, UInt64, UInt64)) {
    precondition(words.0 | words.1 | words.2 | words.3 != 0)
    state = words
  }

  package mutating func next() -> UInt64 {
    let result = Self.rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = Self.rotate(state.3, 45)
    return result
  }

  private static func rotate(_ value: UInt64, _ by: UInt64) -> UInt64 {
    value << by | value >> (64 - by)
  }
}
