/// Writes JSON in the order it is told, without blank space.
///
/// `object` and `array` take closures, so that what was begun also ends; a name is followed by
/// exactly one value. Commas are put where they belong.
///
/// The storage is raw memory, not an array, as `WireWriter`'s is: an array asks with every member whether
/// it is its own, and a record of the ledger has a hundred.
@safe package struct JSONWriter: ~Copyable {
  /// `capacity` bytes that are this writer's alone: allocated in `init` and `grow`, freed in `deinit`
  /// and `grow`, handed out only for the length of a call. The first `count` of them are written.
  private var storage: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// The number of bytes that were written so far.
  package private(set) var count = 0
  private var needsComma = false

  private static let capacityMin = 256
  /// Room past this is given back by `reset`.
  private static let keptCapacityMax = 64 << 10

  /// - Parameter capacity: the bytes to make room for at once.
  package init(capacity: Int = 0) {
    self.capacity = max(capacity, Self.capacityMin)
    unsafe storage = .allocate(capacity: self.capacity)
  }

  deinit { unsafe storage.deallocate() }

  /// Empties it and keeps its room.
  package mutating func reset() {
    if capacity > Self.keptCapacityMax {
      unsafe storage.deallocate()
      capacity = Self.keptCapacityMax
      unsafe storage = .allocate(capacity: capacity)
    }
    count = 0
    needsComma = false
  }

  /// The one object that `fill` writes the members of.
  package static func object(_ fill: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(fill)
    return writer.bytes
  }

  /// Hands out what was written so far.
  package func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    // The storage outlives the call, and nothing is written meanwhile.
    let written = unsafe UnsafeBufferPointer(start: storage, count: count)
    return body(unsafe Span(_unsafeElements: written))
  }

  /// What was written so far, copied.
  package var bytes: [UInt8] { withBytes { $0.copy() } }

  /// The same as a string.
  package var text: String { withBytes { $0.text } }

  // MARK: Objects and arrays

  package mutating func object(_ fill: (inout JSONWriter) -> Void) {
    beginObject()
    fill(&self)
    endObject()
  }

  package mutating func object(_ name: StaticString, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    object(fill)
  }

  package mutating func array(_ fill: (inout JSONWriter) -> Void) {
    beginArray()
    fill(&self)
    endArray()
  }

  package mutating func array(_ name: StaticString, _ fill: (inout JSONWriter) -> Void) {
    self.name(name)
    array(fill)
  }

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  // MARK: Members

  /// A member's name, which has nothing to escape; its value must follow.
  package mutating func name(_ name: StaticString) {
    member(name, valueBytes: 0) { _ in }
    needsComma = false
  }

  /// A member's name that is not known before; its value must follow.
  package mutating func name(any name: String) {
    value(name)
    append(upTo: 1) { $0.append(UInt8(ascii: ":")) }
    needsComma = false
  }

  package mutating func field(any name: String, _ number: Int64) {
    self.name(any: name)
    value(number)
  }

  package mutating func field(any name: String, _ amount: Int64, places: Int) {
    self.name(any: name)
    value(amount, places: places)
  }

  package mutating func null(_ name: StaticString) {
    member(name, valueBytes: 4) { $0.append(copying: "null") }
  }

  /// nil is null, here and below.
  package mutating func field(_ name: StaticString, _ text: String?) {
    guard let text else { return null(name) }
    let utf8 = text.utf8.span
    guard JSONString.plainCount(utf8, from: 0) == utf8.count else {
      self.name(name)
      return value(text)
    }
    member(name, valueBytes: utf8.count + 2) { output in
      output.append(UInt8(ascii: "\""))
      output.append(copying: utf8)
      output.append(UInt8(ascii: "\""))
    }
  }

  package mutating func field(_ name: StaticString, _ number: Int64?) {
    guard let number else { return null(name) }
    let digits = DecimalDigits(number)
    member(name, valueBytes: digits.count) { digits.append(to: &$0) }
  }

  package mutating func field(_ name: StaticString, _ number: Int) {
    field(name, Int64(number))
  }

  /// A measured number; one that is not finite is null too.
  package mutating func field(_ name: StaticString, _ number: Double?) {
    self.name(name)
    if let number { value(number) } else { null() }
  }

  package mutating func field(_ name: StaticString, number text: String?) {
    self.name(name)
    if let text { value(number: text) } else { null() }
  }

  /// `amount / 10^places`, exactly.
  package mutating func field(_ name: StaticString, _ amount: Int64?, places: Int) {
    guard let amount else { return null(name) }
    let digits = DecimalDigits(amount)
    member(name, valueBytes: DecimalDigits.bytesMax) { digits.append(to: &$0, places: places) }
  }

  package mutating func field(_ name: StaticString, _ flag: Bool?) {
    guard let flag else { return null(name) }
    member(name, valueBytes: 5) { $0.append(copying: flag ? "true" : "false") }
  }

  /// RFC 3339 in UTC with milliseconds, of milliseconds since 1970; kept to the years 0 to 9999.
  package mutating func field(_ name: StaticString, timeMs: Int64?) {
    guard let timeMs else { return null(name) }
    member(name, valueBytes: UTCTime.textBytes + 2) { output in
      output.append(UInt8(ascii: "\""))
      UTCTime.append(timeMs, to: &output)
      output.append(UInt8(ascii: "\""))
    }
  }

  /// In hexadecimal.
  package mutating func field(_ name: StaticString, _ digest: SHA256Digest) {
    member(name, valueBytes: SHA256Digest.hexCount + 2) { output in
      output.append(UInt8(ascii: "\""))
      digest.appendHex(to: &output)
      output.append(UInt8(ascii: "\""))
    }
  }

  package mutating func field(_ name: StaticString, _ texts: [String]) {
    array(name) { json in
      for text in texts { json.value(text) }
    }
  }

  package mutating func field(_ name: StaticString, escaped write: (inout [UInt8]) -> Void) {
    self.name(name)
    value(escaped: write)
  }

  // MARK: Values: a whole text, an array's element, or what follows a name

  package mutating func null() { raw("null" as StaticString) }

  package mutating func value(_ text: String) {
    let utf8 = text.utf8.span
    guard JSONString.plainCount(utf8, from: 0) == utf8.count else {
      var escaped: [UInt8] = []
      JSONString.append(utf8, to: &escaped)
      return raw(escaped.span)
    }
    value(upTo: utf8.count + 2) { output in
      output.append(UInt8(ascii: "\""))
      output.append(copying: utf8)
      output.append(UInt8(ascii: "\""))
    }
  }

  package mutating func value(_ number: Int64) {
    let digits = DecimalDigits(number)
    value(upTo: digits.count) { digits.append(to: &$0) }
  }

  /// `amount / 10^places` as an exact decimal number without trailing zeros.
  package mutating func value(_ amount: Int64, places: Int) {
    let digits = DecimalDigits(amount)
    value(upTo: DecimalDigits.bytesMax) { digits.append(to: &$0, places: places) }
  }

  /// A number that is not finite is null: JSON has no word for it.
  package mutating func value(_ number: Double) {
    guard number.isFinite else { return null() }
    value(number: "\(number)")
  }

  /// A number's text, which must be as RFC 8259, section 6, has it: an exact decimal.
  package mutating func value(number text: String) { raw(text.utf8.span) }

  /// A whole JSON text, as it is.
  package mutating func value(json text: [UInt8]) { raw(text.span) }

  package mutating func value(_ flag: Bool) {
    if flag { raw("true" as StaticString) } else { raw("false" as StaticString) }
  }

  /// A string whose inside `write` appends, escaped already.
  package mutating func value(escaped write: (inout [UInt8]) -> Void) {
    var text = [UInt8(ascii: "\"")]
    write(&text)
    text.append(UInt8(ascii: "\""))
    raw(text.span)
  }

  // MARK: Bytes

  /// A member, with one look for room for its name and its value.
  @inline(__always)
  private mutating func member(
    _ name: StaticString, valueBytes: Int, _ write: (inout OutputSpan<UInt8>) -> Void
  ) {
    value(upTo: name.utf8CodeUnitCount + 3 + valueBytes) { output in
      output.append(UInt8(ascii: "\""))
      output.append(copying: name)
      output.append(UInt8(ascii: "\""))
      output.append(UInt8(ascii: ":"))
      write(&output)
    }
  }

  /// A value that `write` appends, of `bytes` at most.
  @inline(__always)
  private mutating func value(upTo bytes: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    let isFirst = !needsComma
    append(upTo: bytes + 1) { output in
      if !isFirst { output.append(UInt8(ascii: ",")) }
      write(&output)
    }
    needsComma = true
  }

  private mutating func open(_ byte: UInt8) {
    value(upTo: 1) { $0.append(byte) }
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    append(upTo: 1) { $0.append(byte) }
    needsComma = true
  }

  private mutating func raw(_ text: StaticString) {
    value(upTo: text.utf8CodeUnitCount) { $0.append(copying: text) }
  }

  private mutating func raw(_ text: Span<UInt8>) {
    value(upTo: text.count) { $0.append(copying: text) }
  }

  /// Has `write` append at most `bytes`; more is a trap.
  @inline(__always)
  private mutating func append(upTo bytes: Int, _ write: (inout OutputSpan<UInt8>) -> Void) {
    if capacity - count < bytes { grow(by: bytes) }
    // Within the storage, behind what is written, and nobody else's for the length of this call.
    let room = unsafe UnsafeMutableBufferPointer(start: storage + count, count: bytes)
    var output = unsafe OutputSpan(buffer: room, initializedCount: 0)
    write(&output)
    count += unsafe output.finalize(for: room)
  }

  private mutating func grow(by bytes: Int) {
    capacity = max(capacity * 2, count + bytes)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    unsafe larger.update(from: storage, count: count)
    unsafe storage.deallocate()
    unsafe storage = larger
  }
}
