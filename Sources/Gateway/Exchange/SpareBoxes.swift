/// A large part of an exchange that lies apart from it: it takes memory only while it is there.
final class Box<Value: ~Copyable> {
  /// Nil in a spare one. Not checked for exclusivity at run time, like what the exchange has itself: no
  /// function that it is handed to knows the exchange.
  @safe @exclusivity(unchecked) var value: Value?

  fileprivate init(_ value: consuming Value) { self.value = consume value }
}

/// One loop's boxes for the next exchanges. Memory of their size is none that malloc keeps at hand: to get
/// it and to give it back anew costs more than to read a short body.
struct SpareBoxes<Value: ~Copyable> {
  /// The most that are kept.
  static var countMax: Int { 64 }

  private var boxes: [Box<Value>] = []

  /// A box with that in it; nil where there is nothing to put in.
  mutating func take(_ value: consuming Value?) -> Box<Value>? {
    guard let value else { return nil }
    guard let box = boxes.popLast() else { return Box(value) }
    box.value = consume value
    return box
  }

  /// Keeps a box that its exchange does not need any more, and nothing of what was in it.
  mutating func giveBack(_ box: Box<Value>) {
    box.value = nil
    if boxes.count < Self.countMax { boxes.append(box) }
  }
}
