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
        unsafe copyFew(base, to: target.baseAddress! + count, source.count)
        count += source.count
      }
    }
  }
}

/// Copies what is mostly a name or a short text: a call of `memcpy` would cost more than the copy.
@inlinable @inline(__always)
package func copyFew(
  _ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, _ count: Int
) {
  let from = unsafe UnsafeRawPointer(source)
  let to = UnsafeMutableRawPointer(target)
  // The first and the last bytes, which may overlap, are all of them.
  if count > 32 || count < 4 {
    if count > 32 { return unsafe target.initialize(from: source, count: count) }
    for index in 0..<count { unsafe target[index] = source[index] }
  } else if count > 16 {
    let first = unsafe from.loadUnaligned(as: SIMD16<UInt8>.self)
    let last = unsafe from.loadUnaligned(fromByteOffset: count - 16, as: SIMD16<UInt8>.self)
    unsafe to.storeBytes(of: first, as: SIMD16<UInt8>.self)
    unsafe to.storeBytes(of: last, toByteOffset: count - 16, as: SIMD16<UInt8>.self)
  } else if count >= 8 {
    let first = unsafe from.loadUnaligned(as: UInt64.self)
    let last = unsafe from.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    unsafe to.storeBytes(of: first, as: UInt64.self)
    unsafe to.storeBytes(of: last, toByteOffset: count - 8, as: UInt64.self)
  } else {
    let first = unsafe from.loadUnaligned(as: UInt32.self)
    let last = unsafe from.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
    unsafe to.storeBytes(of: first, as: UInt32.self)
    unsafe to.storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
  }
}
