/// Bytes that a full socket did not take, in order, until it does.
struct UnsentOutput {
  /// The bytes; those before `start` have been sent.
  private(set) var bytes: [UInt8] = []
  private(set) var start = 0

  var count: Int { bytes.count - start }
  var isEmpty: Bool { start == bytes.count }

  /// Keeps what is left of `output` after its first `sent` bytes.
  mutating func keep(_ output: [UInt8], from sent: Int) {
    bytes.append(contentsOf: output[sent...])
  }

  /// Has `fill` append to the bytes.
  mutating func gather(_ fill: (inout [UInt8]) -> Void) {
    // What has been sent goes first, so that the buffer is as large as what waits.
    if start > 0 {
      bytes.removeFirst(start)
      start = 0
    }
    fill(&bytes)
  }

  /// The socket took `count` more.
  mutating func sent(_ count: Int) {
    precondition(count <= self.count, "no more is sent than there is")
    start += count
    if isEmpty {
      // The memory goes too: stalls are rare, connections many.
      bytes = []
      start = 0
    }
  }
}
