import Bytes

/// Removes single events from a stream that passes in pieces; all other bytes stay as they are.
///
/// An event that has begun and may have to be removed is held back until that is decided, or until it
/// is longer than `heldBytesMax`.
struct UsageChunkFilter {
  /// An event that is not complete after this many bytes is sent on, whatever it is.
  static let heldBytesMax = 65_536

  private var held: [UInt8] = []
  /// Where the open event begins in this piece; 0 if it began in an earlier one. Nil where none is
  /// open, or where its first bytes have been sent on.
  private var openAt: Int?
  /// The bytes of this piece before this index are in `output`, held or removed.
  private var settled = 0
  /// What is sent in place of this piece; nil as long as it is sent on unchanged.
  private var output: [UInt8]?

  /// The first line of an event begins.
  mutating func eventBegan(at index: Int) {
    openAt = index
  }

  /// An event has ended just before `end`; `removed` asks to remove it. Returns whether it was removed:
  /// not where its first bytes had been sent on already.
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

  /// Removes bytes of this piece.
  mutating func remove(_ range: Range<Int>, in bytes: Span<UInt8>) {
    var rest = output ?? []
    rest.append(bytes.extracting(settled..<range.lowerBound))
    output = rest
    settled = range.upperBound
  }

  /// The piece has ended. `mayBeRemoved`: the open event may yet have to be removed.
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

  /// The stream has ended: the bytes that are still held back, unless they are to be removed.
  mutating func takeHeld(removed: Bool) -> [UInt8] {
    defer {
      held = []
      openAt = nil
    }
    return removed ? [] : held
  }

  /// Sends on what was held back, before anything of this piece.
  private mutating func release() {
    guard !held.isEmpty else { return }
    output = held
    held = []
  }
}
