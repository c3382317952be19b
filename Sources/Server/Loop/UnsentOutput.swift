/// Bytes that a full socket did not take, in order, until it takes them. A value.
struct UnsentOutput {
  /// The bytes; those before `start` have been sent.
  private(set) var bytes: [UInt8] = []
  private(set) var start = 0

  /// How many bytes are not sent.
  var count: Int { bytes.count - start }
  var isEmpty: Bool { start == bytes.count }

  /// Keeps what is left of `output` after its first `sent` bytes.
  mutating func keep(_ output: [UInt8], from sent: Int) {
    bytes.append(contentsOf: output[sent...])
  }

  /// Has `fill` append bytes.
  mutating func gather(_ fill: (inout [UInt8]) -> Void) {
    // Bytes that were sent are removed first, so that the buffer grows with what waits and no
    // further.
    if start > 0 {
      bytes.removeFirst(start)
      start = 0
    }
    fill(&bytes)
  }

  /// The socket took `count` bytes more.
  mutating func sent(_ count: Int) {
    precondition(count <= self.count, "no more is sent than there was")
    start += count
    if isEmpty {
      // Its memory is freed too: full sockets are rare, and connections many.
      bytes = []
      start = 0
    }
  }
}
