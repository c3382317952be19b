import Bytes

/// Takes single events out of a stream that passes in pieces; every other byte stays as it is.
///
/// An event that has begun and may have to go is held back, as long as it is not too long.
struct UsageChunkFilter {
  /// An event that is not whole after so many bytes passes, whatever it is.
  static let heldBytesMax = 65_536

  private var held: [UInt8] = []
  /// Where the open event begins in this piece: 0 if in an earlier one. Nil: none is open, or its
  /// first bytes have gone.
  private var openAt: Int?
  /// Bytes of this piece up to here have been dealt with.
  private var settled = 0
  private var output: [UInt8]?

  /// The first line of an event begins.
  mutating func eventBegan(at index: Int) {
    openAt = index
  }

  /// An event is over, just before `end`; `removed`: it goes. Returns whether it went.
  mutating func eventEnded(at end: Int, removed: Bool, in bytes: Span<UInt8>) -> Bool {
    guard let start = openAt else { return false }
    openAt = nil
    if removed {
      held = []
      remove(start..<end, in: bytes)
    } else {
      release()
    }
    return removed
  }

  /// Takes bytes out.
  mutating func remove(_ range: Range<Int>, in bytes: Span<UInt8>) {
    var rest = output ?? []
    rest.append(bytes.extracting(settled..<range.lowerBound))
    output = rest
    settled = range.upperBound
  }

  /// The piece is over; `mayBeRemoved`: the open event may have to go.
  mutating func pieceEnded(_ bytes: Span<UInt8>, mayBeRemoved: Bool) -> ResponseMeter.Action {
    if let start = openAt {
      if mayBeRemoved, held.count + bytes.count - start <= Self.heldBytesMax {
        remove(start..<bytes.count, in: bytes)
        held.append(bytes.extracting(start..<bytes.count))
        openAt = 0
      } else {
        release()
        openAt = nil
      }
    }
    defer {
      settled = 0
      output = nil
    }
    guard var output else { return .pass }
    self.output = nil
    output.append(bytes.extracting(settled..<bytes.count))
    return .replace(output)
  }

  /// The stream is over: what is still held back, unless it is to be removed.
  mutating func takeHeld(removed: Bool) -> [UInt8] {
    defer {
      held = []
      openAt = nil
    }
    return removed ? [] : held
  }

  /// What was held back stands before anything of this piece.
  private mutating func release() {
    guard !held.isEmpty else { return }
    output = held
    held = []
  }
}
