// Borrowed bytes copied into arrays and into memory that is being filled.

extension Span where Element == UInt8 {
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
