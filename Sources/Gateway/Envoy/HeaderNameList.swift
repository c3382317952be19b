/// Where names of headers stand in a message. The first few take no memory of their own: nearly every
/// request has a credential and an `accept-encoding`.
struct HeaderNameList {
  private static let inlineMax = 8

  private(set) var count = 0
  private var first = InlineArray<8, Range<Int>>(repeating: 0..<0)
  private var rest: [Range<Int>] = []

  mutating func append(_ name: Range<Int>) {
    if count < Self.inlineMax { first[count] = name } else { rest.append(name) }
    count += 1
  }

  func visitAll(_ visit: (Range<Int>) -> Void) {
    for index in 0..<min(count, Self.inlineMax) { visit(first[index]) }
    for name in rest { visit(name) }
  }
}
