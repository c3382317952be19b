import Bytes

/// What is known of an item of `input` (Responses) while it is read, to tell whether it only refers to an
/// earlier one: its `type` says `item_reference`, or it has an `id` and neither type nor role.
struct ItemReading {
  /// The most ids that one item can have.
  static let idsMax = 8

  private(set) var ids: [[UInt8]] = []
  /// An id that is too long or has control characters, or one too many.
  private(set) var hasBadID = false
  private var saysReference = false
  private var saysOtherwise = false

  var isReference: Bool { saysReference || !saysOtherwise && (!ids.isEmpty || hasBadID) }

  /// `type`, where it is a text. In another spelling it can only make a reference.
  mutating func take(type: Span<UInt8>, isExact: Bool) {
    if type.elementsEqual("item_reference") {
      saysReference = true
    } else if isExact {
      saysOtherwise = true
    }
  }

  /// `role`: the item is a message.
  mutating func takeRole() { saysOtherwise = true }

  /// `id`, nil for one that cannot be kept. It may come more than once: every parser's choice counts.
  mutating func take(id: [UInt8]?) {
    if let id, ids.count < Self.idsMax { ids.append(id) } else { hasBadID = true }
  }
}
