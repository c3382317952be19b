import Bytes

/// A hash table from byte strings to integers, looked up without allocating: open addressing, keys
/// in one buffer. Keys come from the policy only, so nobody outside can make its chains long.
struct ByteTable: Sendable {
  private struct Slot: Sendable {
    var hash: UInt64 = 0
    var start: Int32 = 0
    var count: Int32 = -1
    var value: Int32 = 0
  }

  private var slots: [Slot]
  private var keyBytes: [UInt8] = []
  private var longest = 0
  private(set) var count = 0
  private let foldsCase: Bool

  /// With `foldsCase`, ASCII letters are the same in both cases.
  init(foldsCase: Bool = false) {
    self.foldsCase = foldsCase
    slots = Array(repeating: Slot(), count: 8)
  }

  /// Adds a key; false, changing nothing, where it is there already.
  @discardableResult
  mutating func insert(_ key: [UInt8], value: Int) -> Bool {
    guard self[key.span] == nil else { return false }
    if count * 2 >= slots.count { grow() }
    let slot = Slot(
      hash: hash(of: key.span), start: Int32(keyBytes.count), count: Int32(key.count),
      value: Int32(value))
    keyBytes.append(contentsOf: key)
    longest = max(longest, key.count)
    place(slot)
    count += 1
    return true
  }

  @discardableResult
  mutating func insert(_ key: String, value: Int) -> Bool {
    insert(Array(key.utf8), value: value)
  }

  /// The value of `key`; nil where it is not there.
  subscript(key: Span<UInt8>) -> Int? {
    // A key longer than any of ours is not even hashed.
    guard key.count <= longest else { return nil }
    let hash = hash(of: key)
    var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[at].count >= 0 {
      if slots[at].hash == hash, equals(slots[at], key) { return Int(slots[at].value) }
      at = (at + 1) & (slots.count - 1)
    }
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(), count: old.count * 2)
    for slot in old where slot.count >= 0 { place(slot) }
  }

  private mutating func place(_ slot: Slot) {
    var at = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
    while slots[at].count >= 0 { at = (at + 1) & (slots.count - 1) }
    slots[at] = slot
  }

  private func equals(_ slot: Slot, _ key: Span<UInt8>) -> Bool {
    let start = Int(slot.start)
    let bytes = keyBytes.span.extracting(start..<(start + Int(slot.count)))
    return foldsCase ? key.elementsEqual(ignoringCase: bytes) : key.elementsEqual(bytes)
  }

  /// FNV-1a, with a last mix so that the low bits, which choose the slot, depend on all.
  private func hash(of key: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for at in 0..<key.count {
      hash = (hash ^ UInt64(fold(key[at]))) &* 0x0000_0100_0000_01b3
    }
    hash = (hash ^ hash >> 32) &* 0x9e37_79b9_7f4a_7c15
    return hash ^ hash >> 29
  }

  private func fold(_ byte: UInt8) -> UInt8 {
    foldsCase ? byte.lowercasedASCII : byte
  }
}
