// Borrowed bytes copied into arrays and into memory that is being filled.

extension Span where Element == UInt8 {
  /// The bytes, to keep.
  package func copy() -> [UInt8] {
    // The array is made from the borrowed bytes before the closure returns.
    unsafe withUnsafeBufferPointer { unsafe Array($0) }
  }
}

extension Span where Element == UInt8 {
  /// The bytes as text; what is not UTF-8 is replaced.
  package var text: String {
    // The text is made from the borrowed bytes before the closure returns.
    unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
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
  /// Appends the literal's bytes.
  @inlinable @inline(__always)
  package mutating func append(copying literal: StaticString) {
    // The literal lives as long as the program.
    append(copying: unsafe Span(_unsafeStart: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Appends the span's bytes.
  @inlinable @inline(__always)
  package mutating func append(copying bytes: Span<UInt8>) {
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
