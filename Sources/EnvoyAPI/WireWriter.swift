#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Writes a message from its end to its beginning, so that the length of every nested message is
/// known when its tag is written and nothing is moved or sized twice. The storage is kept from one
/// message to the next.
///
/// Fields therefore come out in the reverse order of the calls; protobuf gives order no meaning.
package struct WireWriter: ~Copyable {
  private var storage: [UInt8]
  /// Where the written part begins; it ends at the storage's end.
  private var start: Int
  /// Bytes that follow what is written here but are sent from elsewhere (a large body).
  private var tail = 0

  /// The number of bytes that a fresh writer holds before it grows.
  package static let initialCapacity = 4096
  /// Storage past this is given back after the message that needed it.
  package static let keptCapacityMax = 64 << 10

  package init() {
    storage = [UInt8](repeating: 0, count: Self.initialCapacity)
    start = storage.count
  }

  /// Empties the writer. `tail` is the number of bytes that the caller will send right after the
  /// written ones, counted in every length that is open at the end.
  package mutating func reset(tail: Int = 0) {
    if storage.count > Self.keptCapacityMax {
      storage = [UInt8](repeating: 0, count: Self.initialCapacity)
    }
    start = storage.count
    self.tail = tail
  }

  /// The bytes written so far, plus the tail: a mark for `close`.
  @inline(__always)
  package var mark: Int { storage.count - start + tail }

  /// Hands out the written bytes (without the tail).
  @inline(__always)
  package func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    body(storage.span.extracting(start..<storage.count))
  }

  /// The written bytes, copied: for tests and cold paths.
  package var bytes: [UInt8] { Array(storage[start...]) }

  @inline(__always)
  package mutating func byte(_ value: UInt8) {
    if start == 0 { grow(by: 1) }
    start -= 1
    storage[start] = value
  }

  @inline(__always)
  package mutating func raw(_ bytes: [UInt8]) {
    raw(bytes.span)
  }

  @inline(__always)
  package mutating func raw(_ bytes: Span<UInt8>) {
    let count = bytes.count
    guard count > 0 else { return }
    if start < count { grow(by: count) }
    start -= count
    // Both regions are alive and checked for these two calls, and do not overlap: `bytes` is
    // somebody else's memory.
    unsafe storage.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe _ = memcpy(
          target.baseAddress.unsafelyUnwrapped + start, source.baseAddress.unsafelyUnwrapped, count)
      }
    }
  }

  /// A base-128 varint.
  @inline(__always)
  package mutating func varint(_ value: UInt64) {
    if value < 0x80 {
      byte(UInt8(truncatingIfNeeded: value))
    } else {
      longVarint(value)
    }
  }

  private mutating func longVarint(_ value: UInt64) {
    var groups = (63 - value.leadingZeroBitCount) / 7
    byte(UInt8(truncatingIfNeeded: value >> UInt64(7 * groups)))
    while groups > 0 {
      groups -= 1
      byte(UInt8(truncatingIfNeeded: value >> UInt64(7 * groups)) & 0x7f | 0x80)
    }
  }

  /// Ends (towards the front) a length-delimited field whose content was written since `mark`.
  @inline(__always)
  package mutating func close(_ field: Int, since mark: Int) {
    varint(UInt64(self.mark - mark))
    varint(UInt64(field << 3 | 2))
  }

  /// A string or bytes field.
  @inline(__always)
  package mutating func field(_ field: Int, _ bytes: Span<UInt8>) {
    raw(bytes)
    varint(UInt64(bytes.count))
    varint(UInt64(field << 3 | 2))
  }

  @inline(__always)
  package mutating func field(_ field: Int, _ bytes: [UInt8]) {
    self.field(field, bytes.span)
  }

  /// A varint field: integers, enums, bools.
  @inline(__always)
  package mutating func field(_ field: Int, _ value: UInt64) {
    varint(value)
    varint(UInt64(field << 3))
  }

  /// A double (wire type 1).
  package mutating func double(_ field: Int, _ value: Double) {
    let bits = value.bitPattern
    for index in (0..<8).reversed() {
      byte(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)))
    }
    varint(UInt64(field << 3 | 1))
  }

  private mutating func grow(by needed: Int) {
    let used = storage.count - start
    let capacity = max(storage.count * 2, used + needed)
    var grown = [UInt8](repeating: 0, count: capacity)
    grown.replaceSubrange(capacity - used..<capacity, with: storage[start...])
    storage = grown
    start = capacity - used
  }
}
