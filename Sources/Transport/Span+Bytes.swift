import Glibc

extension Span<UInt8> {
  /// Whether the bytes are exactly the literal's.
  @inline(__always)
  func isEqual(to literal: StaticString) -> Bool {
    guard count == literal.utf8CodeUnitCount else { return false }
    // The literal's bytes live as long as the program; both are `count` long.
    return unsafe withUnsafeBufferPointer {
      unsafe count == 0 || memcmp($0.baseAddress!, literal.utf8Start, count) == 0
    }
  }
}

extension [UInt8] {
  /// Appends the span's bytes.
  @inline(__always)
  mutating func append(span bytes: Span<UInt8>) {
    // The buffer is read during the call only.
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
