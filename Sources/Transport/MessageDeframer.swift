/// Finds the gRPC messages in a stream's bytes, wherever DATA frames split or join them (gRPC over
/// HTTP/2, Length-Prefixed-Message). Keeps at most a prefix's bytes, never a message's.
struct MessageDeframer {
  /// What comes next in a chunk of bytes. Ranges count from the chunk's start.
  enum Step: Equatable {
    /// Nothing, until there are more bytes.
    case needsMore
    /// A message that the chunk holds whole.
    case message(Range<Int>)
    /// A message of that size begins, which is larger than what is left of the chunk.
    case started(size: Int)
    /// The next bytes of the message that has begun.
    case bytes(Range<Int>)
    /// The message that has begun is complete.
    case ended
    /// No more of the stream can be read; every later step is `needsMore`.
    case refused(Fault)
  }

  /// Why a message is refused.
  enum Fault: Equatable {
    case tooLarge(limit: Int, actual: Int)
    case compressed
    case reservedFlag
  }

  private enum State: Equatable {
    case prefix(count: Int)
    /// The prefix is known; none of the message's bytes were given out yet.
    case announced(size: Int)
    case pieces(left: Int)
    case refused
  }

  private let messageBytesMax: Int
  private var state = State.prefix(count: 0)
  /// The prefix's bytes so far as one number, big endian: flag, then length.
  private var prefix: UInt64 = 0

  /// A deframer at the start of a stream.
  init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

  /// Whether the stream may end here.
  var isAtBoundary: Bool { state == .prefix(count: 0) }

  /// The next step in `bytes` from `offset` on; `offset` moves past what was used.
  @inline(__always)
  mutating func next(in bytes: Span<UInt8>, from offset: inout Int) -> Step {
    if case .prefix(let count) = state {
      switch readPrefix(bytes, &offset, count) {
      case .some(let step): return step
      case .none: break
      }
    }
    let available = bytes.count - offset
    switch state {
    case .prefix, .refused:
      offset = bytes.count
      return .needsMore
    case .announced(let size):
      if size <= available {
        let range = offset..<offset + size
        offset += size
        state = .prefix(count: 0)
        return .message(range)
      }
      guard available > 0 else { return .needsMore }
      state = .pieces(left: size)
      return .started(size: size)
    case .pieces(let left):
      if left == 0 {
        state = .prefix(count: 0)
        return .ended
      }
      guard available > 0 else { return .needsMore }
      let taken = min(left, available)
      let range = offset..<offset + taken
      offset += taken
      state = .pieces(left: left - taken)
      return .bytes(range)
    }
  }

  /// Reads the five bytes of the prefix, of which `already` many are known; nil when all are known
  /// and the message may come.
  @inline(__always)
  private mutating func readPrefix(
    _ bytes: Span<UInt8>, _ offset: inout Int, _ already: Int
  ) -> Step? {
    var count = already
    while count < 5 {
      guard offset < bytes.count else {
        state = .prefix(count: count)
        return .needsMore
      }
      prefix = prefix << 8 | UInt64(bytes[offset])
      offset += 1
      count += 1
      if count == 1, prefix != 0 { return refuse(prefix == 1 ? .compressed : .reservedFlag) }
    }
    let size = Int(prefix)
    prefix = 0
    guard size <= messageBytesMax else {
      return refuse(.tooLarge(limit: messageBytesMax, actual: size))
    }
    state = .announced(size: size)
    return nil
  }

  private mutating func refuse(_ fault: Fault) -> Step {
    state = .refused
    return .refused(fault)
  }
}
