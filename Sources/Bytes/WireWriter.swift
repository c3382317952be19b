/// Writes a message from its end to its beginning, so that the length of every nested message is
/// known when its tag is written and nothing is moved or sized twice. The storage is kept from one
/// message to the next.
///
/// Fields therefore come out in the reverse order of the calls; protobuf gives order no meaning.
///
/// The storage is raw memory, not an array: an array asks with every byte whether it is its own.
@safe public struct WireWriter: ~Copyable {
  /// `capacity` bytes that are this writer's alone: allocated in `init` and `grow`, freed in `deinit`
  /// and `grow`, handed out only for the length of a call.
  @usableFromInline var storage: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  /// Where the written part begins; it ends at the storage's end.
  @usableFromInline var start: Int
  /// Bytes that follow what is written here but are sent from elsewhere (a large body).
  @usableFromInline var tail = 0

  /// The number of bytes that a fresh writer holds before it grows.
  @inlinable package static var initialCapacity: Int { 4096 }
  /// Storage past this is given back after the message that needed it.
  package static let keptCapacityMax = 64 << 10

  /// An empty writer.
  package init() {
    capacity = Self.initialCapacity
    start = capacity
    unsafe storage = .allocate(capacity: capacity)
  }

  deinit { unsafe storage.deallocate() }

  /// Empties the writer. `tail` is the number of bytes that the caller will send right after the
  /// written ones, counted in every length that is open at the end.
  package mutating func reset(tail: Int = 0) {
    if capacity > Self.keptCapacityMax {
      unsafe storage.deallocate()
      capacity = Self.initialCapacity
      unsafe storage = .allocate(capacity: capacity)
    }
    start = capacity
    self.tail = tail
  }

  /// The bytes written so far, plus the tail: a mark for `close`.
  @inlinable
  package var mark: Int { capacity - start + tail }

  /// Takes back what was written since `mark`.
  package mutating func cut(to mark: Int) {
    precondition(mark >= tail && mark <= self.mark, "no mark of what is written")
    start = capacity - (mark - tail)
  }

  /// Hands out the written bytes (without the tail).
  @inlinable
  package func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    // The storage outlives the call, and nothing is written meanwhile.
    let written = unsafe UnsafeBufferPointer(start: storage + start, count: capacity - start)
    return body(unsafe Span(_unsafeElements: written))
  }

  /// The written bytes, copied.
  package var bytes: [UInt8] { withBytes { $0.copy() } }

  /// One byte, in front of the others.
  @inlinable
  package mutating func byte(_ value: UInt8) {
    if start == 0 { grow(by: 1) }
    start -= 1
    // Within the storage: 0 ≤ start < capacity.
    unsafe storage[start] = value
  }

  /// Bytes as they are, in front of the others.
  @inlinable
  package mutating func raw(_ bytes: [UInt8]) {
    raw(bytes.span)
  }

  /// The same of borrowed bytes.
  @inlinable
  package mutating func raw(_ bytes: Span<UInt8>) {
    // Alive for this call, and somebody else's memory.
    unsafe bytes.withUnsafeBufferPointer { unsafe raw($0.baseAddress, $0.count) }
  }

  /// The literal's bytes, which live as long as the program.
  @inlinable
  package mutating func raw(_ literal: StaticString) {
    unsafe raw(literal.utf8Start, literal.utf8CodeUnitCount)
  }

  @inlinable @inline(__always)
  mutating func raw(_ source: UnsafePointer<UInt8>?, _ count: Int) {
    guard count > 0, let source = unsafe source else { return }
    if start < count { grow(by: count) }
    start -= count
    // `count` bytes from `start` on are within the storage; the source is not in it.
    unsafe (storage + start).update(from: source, count: count)
  }

  /// Exactly `count` bytes in front of the others, which `fill` appends in their order.
  @inlinable @inline(__always)
  package mutating func fill(_ count: Int, _ fill: (inout OutputSpan<UInt8>) -> Void) {
    if start < count { grow(by: count) }
    start -= count
    // `count` bytes from `start` on are within the storage, and nobody else's for the length of this call.
    let room = unsafe UnsafeMutableBufferPointer(start: storage + start, count: count)
    var output = unsafe OutputSpan(buffer: room, initializedCount: 0)
    fill(&output)
    precondition(output.freeCapacity == 0, "bytes without a value")
    _ = unsafe output.finalize(for: room)
  }

  /// A base-128 varint.
  @inlinable
  package mutating func varint(_ value: UInt64) {
    if value < 0x80 {
      byte(UInt8(truncatingIfNeeded: value))
    } else if value < 0x4000 {
      byte(UInt8(truncatingIfNeeded: value >> 7))
      byte(UInt8(truncatingIfNeeded: value) | 0x80)
    } else {
      longVarint(value)
    }
  }

  @usableFromInline
  mutating func longVarint(_ value: UInt64) {
    var groups = (63 - value.leadingZeroBitCount) / 7
    byte(UInt8(truncatingIfNeeded: value >> UInt64(7 * groups)))
    while groups > 0 {
      groups -= 1
      byte(UInt8(truncatingIfNeeded: value >> UInt64(7 * groups)) & 0x7f | 0x80)
    }
  }

  /// Ends (towards the front) a length-delimited field whose content was written since `mark`.
  @inlinable
  package mutating func close(_ field: Int, since mark: Int) {
    varint(UInt64(self.mark - mark))
    varint(UInt64(field << 3 | 2))
  }

  /// A string or bytes field.
  @inlinable
  package mutating func field(_ field: Int, _ bytes: Span<UInt8>) {
    raw(bytes)
    varint(UInt64(bytes.count))
    varint(UInt64(field << 3 | 2))
  }

  /// The same of an array's bytes.
  @inlinable
  package mutating func field(_ field: Int, _ bytes: [UInt8]) {
    self.field(field, bytes.span)
  }

  /// The same of a literal's bytes.
  @inlinable
  package mutating func field(_ field: Int, _ literal: StaticString) {
    raw(literal)
    varint(UInt64(literal.utf8CodeUnitCount))
    varint(UInt64(field << 3 | 2))
  }

  /// A varint field: integers, enums, bools.
  @inlinable
  package mutating func field(_ field: Int, _ value: UInt64) {
    varint(value)
    varint(UInt64(field << 3))
  }

  /// A string field. (Not `field`: literals would become `String`s there.)
  package mutating func text(_ field: Int, _ text: String) {
    self.field(field, Array(text.utf8))
  }

  /// A fixed64 field (wire type 1).
  package mutating func fixed64(_ field: Int, _ value: UInt64) {
    if start < 8 { grow(by: 8) }
    start -= 8
    // Eight bytes from `start` on are within the storage; they need no alignment.
    unsafe UnsafeMutableRawPointer(storage + start).storeBytes(
      of: value.littleEndian, as: UInt64.self)
    varint(UInt64(field << 3 | 1))
  }

  /// A fixed32 field (wire type 5).
  package mutating func fixed32(_ field: Int, _ value: UInt32) {
    for index in (0..<4).reversed() {
      byte(UInt8(truncatingIfNeeded: value >> UInt32(8 * index)))
    }
    varint(UInt64(field << 3 | 5))
  }

  /// A double (wire type 1).
  package mutating func double(_ field: Int, _ value: Double) {
    fixed64(field, value.bitPattern)
  }

  @usableFromInline
  mutating func grow(by needed: Int) {
    let used = capacity - start
    let larger = max(capacity * 2, used + needed)
    // The written bytes move to the new end; the old storage is let go of at once.
    unsafe grow(into: .allocate(capacity: larger), used: used, larger: larger)
  }

  private mutating func grow(into grown: UnsafeMutablePointer<UInt8>, used: Int, larger: Int) {
    unsafe (grown + larger - used).update(from: storage + start, count: used)
    unsafe storage.deallocate()
    unsafe storage = grown
    capacity = larger
    start = larger - used
  }
}
