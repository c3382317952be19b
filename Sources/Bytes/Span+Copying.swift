// Borrowed bytes copied into arrays.

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
