#if canImport(Glibc)
  public import Glibc
#else
  public import Musl
#endif

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

  /// Whether `count` bytes at `other` are the same.
  @inlinable @inline(__always)
  func isEqual(to other: UnsafePointer<UInt8>?) -> Bool {
    unsafe withUnsafeBufferPointer {
      guard let mine = $0.baseAddress, let other = unsafe other else { return true }
      return unsafe memcmp(mine, other, $0.count) == 0
    }
  }

  /// The bytes, to keep.
  package func copy() -> [UInt8] {
    // The array is made from the borrowed bytes before the closure returns.
    unsafe withUnsafeBufferPointer { unsafe Array($0) }
  }
}

extension [UInt8] {
  /// Appends the span's bytes.
  @inlinable @inline(__always)
  package mutating func append(_ bytes: Span<UInt8>) {
    // The borrowed bytes are copied before the closure returns.
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}

extension OutputSpan where Element == UInt8 {
  /// Appends the span's bytes.
  @inline(__always)
  mutating func append(copying bytes: Span<UInt8>) {
    precondition(bytes.count <= freeCapacity, "no room for the bytes")
    // Both are alive for these calls, and there is room for all.
    unsafe bytes.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      unsafe withUnsafeMutableBufferPointer { target, count in
        unsafe (target.baseAddress! + count).initialize(from: base, count: source.count)
        count += source.count
      }
    }
  }
}
