// Bytes held against other bytes and against literals, with and without regard to case. Every member
// is inlinable: header names are compared many times in a request.

#if canImport(Glibc)
  public import Glibc
#else
  public import Musl
#endif

extension UInt8 {
  /// An ASCII letter in lower case; any other byte as it is.
  @inlinable @inline(__always)
  package var lowercasedASCII: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}

extension Span where Element == UInt8 {
  /// Whether both hold the same bytes.
  @inlinable @inline(__always)
  package func elementsEqual(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    // Both are alive for these calls and `count` bytes long.
    return unsafe other.withUnsafeBufferPointer { unsafe isEqual(to: $0.baseAddress) }
  }

  /// Whether the array holds the same bytes.
  @inlinable @inline(__always)
  package func elementsEqual(_ other: [UInt8]) -> Bool { elementsEqual(other.span) }

  /// Whether the literal has the same bytes.
  @inlinable @inline(__always)
  package func elementsEqual(_ literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    // The literal's bytes live as long as the program.
    return unsafe isEqual(to: literal.utf8Start)
  }

  /// Whether these bytes begin with the others.
  @inlinable @inline(__always)
  package func starts(with prefix: Span<UInt8>) -> Bool {
    count >= prefix.count && extracting(first: prefix.count).elementsEqual(prefix)
  }

  /// Whether these bytes begin with the array's.
  @inlinable @inline(__always)
  package func starts(with prefix: [UInt8]) -> Bool { starts(with: prefix.span) }

  /// Whether these bytes begin with the literal's.
  @inlinable @inline(__always)
  package func starts(with prefix: StaticString) -> Bool {
    count >= prefix.utf8CodeUnitCount
      && extracting(first: prefix.utf8CodeUnitCount).elementsEqual(prefix)
  }

  /// Whether both hold the same bytes, where an ASCII letter is the same in upper and lower case.
  @inlinable
  package func elementsEqual(ignoringCase other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index].lowercasedASCII != other[index].lowercasedASCII {
      return false
    }
    return true
  }

  /// Whether the literal has the same bytes, where an ASCII letter is the same in both cases.
  @inlinable @inline(__always)
  package func elementsEqual(ignoringCase literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    // The literal's bytes live as long as the program.
    let bytes = unsafe UnsafeBufferPointer(
      start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    return elementsEqual(ignoringCase: unsafe Span(_unsafeElements: bytes))
  }

  /// Whether these bytes begin with the literal's, where an ASCII letter is the same in both cases.
  @inlinable @inline(__always)
  package func starts(withIgnoringCase prefix: StaticString) -> Bool {
    count >= prefix.utf8CodeUnitCount
      && extracting(first: prefix.utf8CodeUnitCount).elementsEqual(ignoringCase: prefix)
  }

  /// Whether `count` bytes at `other` are the same.
  @inlinable @inline(__always)
  func isEqual(to other: UnsafePointer<UInt8>?) -> Bool {
    unsafe withUnsafeBufferPointer {
      guard let mine = $0.baseAddress, let other = unsafe other else { return true }
      return unsafe memcmp(mine, other, $0.count) == 0
    }
  }
}
