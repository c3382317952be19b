/// An open file descriptor, closed with its last reference.
///
/// Any thread.
final class Descriptor: Sendable {
  /// The descriptor's number.
  let raw: Int32

  /// Takes over `raw`, which nobody else may close.
  init(owning raw: Int32) {
    self.raw = raw
  }

  deinit {
    Kernel.close(raw)
  }
}
