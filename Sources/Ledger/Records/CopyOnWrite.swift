/// A large value that is handed on as one reference, and copied only where it is changed while others
/// have it too.
struct CopyOnWrite<Value: Sendable>: Sendable {
  /// Changed only through a `CopyOnWrite` that is the one reference to it.
  private final class Box: @unchecked Sendable {
    // Nothing that is done with a value reaches its box.
    @safe @exclusivity(unchecked) var value: Value

    init(_ value: Value) { self.value = value }
  }

  private var box: Box

  init(_ value: Value) { box = Box(value) }

  @inline(__always)
  var value: Value {
    _read { yield box.value }
    _modify {
      if !isKnownUniquelyReferenced(&box) { box = Box(box.value) }
      yield &box.value
    }
  }
}

extension CopyOnWrite: Equatable where Value: Equatable {
  static func == (left: Self, right: Self) -> Bool {
    left.box === right.box || left.box.value == right.box.value
  }
}
