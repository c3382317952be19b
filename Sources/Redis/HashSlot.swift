/// The slots of Redis Cluster: each key is in one, and each slot on one server.
package enum HashSlot {
  /// How many slots there are.
  package static let count = 16_384

  /// The slot of a key. Where a key holds a part in braces that is not empty, that alone counts: keys
  /// with the same part are in the same slot.
  package static func of(_ key: [UInt8]) -> Int {
    var tag = key[...]
    if let open = key.firstIndex(of: UInt8(ascii: "{")),
      let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
    {
      tag = key[(open + 1)..<close]
    }
    return Int(crc16(tag)) % count
  }

  /// CRC-16/XMODEM.
  static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var sum: UInt16 = 0
    for byte in bytes {
      sum ^= UInt16(byte) << 8
      for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
    }
    return sum
  }
}
