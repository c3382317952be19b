/// An open file descriptor, closed when the last reference goes.
package final class Descriptor: Sendable {
  package let raw: Int32

  /// Takes over `raw`.
  package init(owning raw: Int32) {
    self.raw = raw
  }

  deinit {
    Kernel.close(raw)
  }
}
