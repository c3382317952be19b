/// A hash table from byte strings to integers whose look-ups do not allocate: open addressing, with all
/// keys in one buffer. The hash needs no secret seed, because keys come from the policy only, so that
/// no client can choose keys that collide.
struct ByteTable: Sendable {
  private struct Slot: Sendable {
    var hash: UInt64 = 0
    var start: Int32 = 0
    var count: Int32 = -1
    var value: Int32 = 0
  }

  private var slots: [Slot]
  private var keyBytes: [UInt8] = []
  /// The length of the longest key.
  private var longest = 0
  private(set) var count = 0
  private let foldsCase: Bool

  /// `foldsCase`: the case of ASCII letters is ignored.
  init(foldsCase: Bool = false) {
    self.foldsCase = foldsCase
    slots = Array(repeating: Slot(), count: 8)
  }

  /// Adds a key; returns false and changes nothing where the table has it already.
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

  /// The value of `key`; nil where the table does not have it.
  subscript(key: Span<UInt8>) -> Int? {
    // A key that is longer than all in the table is not hashed: it may be a client's, and long.
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
    guard Int(slot.count) == key.count else { return false }
    for offset in 0..<key.count
    where fold(keyBytes[Int(slot.start) + offset]) != fold(key[offset]) {
      return false
    }
    return true
  }

  /// FNV-1a, with a final mix so that the low bits, which choose the slot, depend on all bits.
  private func hash(of key: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for at in 0..<key.count {
      hash = (hash ^ UInt64(fold(key[at]))) &* 0x0000_0100_0000_01b3
    }
    hash = (hash ^ hash >> 32) &* 0x9e37_79b9_7f4a_7c15
    return hash ^ hash >> 29
  }

  private func fold(_ byte: UInt8) -> UInt8 {
    foldsCase && byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
  }
}
