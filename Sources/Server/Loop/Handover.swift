/// Gives a value that is not Sendable to the one thread that owns it from then on.
///
/// This is how every thread of the server gets what it owns: whoever starts the thread makes the
/// value, puts it in a `Handover`, and the thread takes it as its first step. The compiler sees to
/// it that nobody keeps a second reference (`sending`). Afterwards others reach the value through
/// its `Mailbox`, or share a Sendable value with it.
package final class Handover<Value>: @unchecked Sendable {
  // Written before the thread starts, and read by that thread alone: starting it orders the two.
  private var value: Value?

  /// Puts `value` in; the caller may not use it any more.
  package init(_ value: sending Value) {
    self.value = value
  }

  /// The value, on the thread that owns it from now on. Once.
  package func take() -> Value {
    defer { value = nil }
    guard let value else { preconditionFailure("a value is handed over once") }
    return value
  }
}
