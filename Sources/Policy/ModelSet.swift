/// A set of models of one policy.
package struct ModelSet: Sendable, Equatable {
  /// One bit for each model: bit i of word w stands for `Model.index` 64 w + i.
  private(set) var words: [UInt64]

  /// The empty set over `modelCount` models.
  init(modelCount: Int) {
    words = Array(repeating: 0, count: (modelCount + 63) / 64)
  }

  /// Whether the model with this index is in the set.
  package func contains(_ index: Int) -> Bool {
    index >> 6 < words.count && words[index >> 6] >> UInt64(index & 63) & 1 == 1
  }

  /// Whether it has no model.
  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// The indices of the models, ascending.
  var indices: [Int] {
    (0..<(words.count * 64)).filter(contains)
  }

  mutating func insert(_ index: Int) {
    words[index >> 6] |= 1 << UInt64(index & 63)
  }

  mutating func formUnion(_ other: ModelSet) {
    for at in words.indices { words[at] |= other.words[at] }
  }

  func intersection(_ other: ModelSet) -> ModelSet {
    var result = self
    for at in words.indices { result.words[at] &= other.words[at] }
    return result
  }
}
