import SeededRandom

extension SeededRandom {
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  mutating func pick<T>(_ choices: [T]) -> T {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }
}

/// Messages made at random from a schema.
struct RandomMessages {
  var random: SeededRandom

  private static let texts: [[UInt8]] = [
    "", "a", "a", "b", "envoy.filters.http.ext_proc", "/v1/chat/completions", "tenant-a",
  ].map { Array($0.utf8) }

  init(seed: UInt64) { random = SeededRandom(seed) }

  /// A well-formed message: known fields, unknown ones between them, in any order, some repeated
  /// that should not be.
  mutating func message(_ schema: WireSchema, depth: Int = 0) -> [UInt8] {
    let oneof = random.chance(85) ? random.pick(Array(schema.oneof) + [0]) : 0
    var numbers = schema.fields.keys.sorted().filter { number in
      schema.oneof.contains(number) ? number == oneof : random.chance(40)
    }
    if random.chance(2) { numbers.append(random.pick(schema.fields.keys.sorted())) }
    if random.chance(20) { numbers.shuffle(using: &random) }
    var result: [UInt8] = []
    for number in numbers {
      if random.chance(5) { result += unknown() }
      guard let field = schema.fields[number] else { continue }
      switch field {
      case .varint:
        let value = random.pick([
          0, 1, 1, 2, 4, 5, 6, 127, 128, 300, random.next() >> 32, UInt64.max,
        ])
        result += WireBytes.varint(UInt64(number << 3)) + WireBytes.varint(value)
      case .double: result += WireBytes.varint(UInt64(number << 3 | 1)) + random.bytes(8)
      case .text: result += WireBytes.delimited(number, random.pick(Self.texts))
      case .bytes:
        let count = random.pick([0, 1, 3, 9, 10, 11, 12, 13, 130])
        result += WireBytes.delimited(number, random.bytes(count))
      case .message(let nested):
        result += nestedMessages(number, nested(), count: random.chance(2) ? 2 : 1, depth)
      case .messages(let nested), .attributes(let nested):
        result += nestedMessages(number, nested(), count: random.pick([0, 1, 2, 3]), depth)
      }
    }
    return result
  }

  private mutating func nestedMessages(
    _ number: Int, _ schema: WireSchema, count: Int, _ depth: Int
  ) -> [UInt8] {
    guard depth < 8 else { return [] }
    return (0..<count).flatMap { _ in
      WireBytes.delimited(number, message(schema, depth: depth + 1))
    }
  }

  /// A message with something changed, put in or taken out.
  mutating func damaged(_ schema: WireSchema) -> [UInt8] {
    var bytes = message(schema)
    for _ in 0..<random.pick([1, 1, 2, 4]) {
      guard !bytes.isEmpty else { return random.bytes(5) }
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[index] = random.pick([0, 1, 2, 8, 10, 11, 12, 18, 0x7f, 0x80, 0xff])
      case 2: bytes.insert(contentsOf: random.bytes(random.pick([1, 2, 10])), at: index)
      case 3: bytes.remove(at: index)
      default: bytes.removeLast(bytes.count - index)
      }
    }
    return bytes
  }

  private mutating func unknown() -> [UInt8] {
    let number = random.pick([16, 100, 5000, 1 << 29 - 1])
    switch random.pick([0, 1, 2, 5]) {
    case 0: return WireBytes.varint(UInt64(number << 3)) + WireBytes.varint(random.next())
    case 1: return WireBytes.varint(UInt64(number << 3 | 1)) + random.bytes(8)
    case 5: return WireBytes.varint(UInt64(number << 3 | 5)) + random.bytes(4)
    default: return WireBytes.delimited(number, random.bytes(6))
    }
  }
}
