import Bytes

/// Assembles a `ProcessingRequest` that arrives in pieces.
///
/// Envoy writes fields in the order of their numbers, so a message with a body begins
/// `tag, length, tag, length, body…`. Such a body is passed on piece by piece while it arrives and is
/// never buffered here; what follows it (a few flags, attributes) is. A message that begins in any
/// other way is buffered whole: the result is the same, it only costs more.
package struct ProcessingRequestAssembler {
  /// The most bytes that may follow a body in its message: flags, metadata, attributes.
  static let restBytesMax = 1 << 20

  private enum State {
    /// Fewer than `prefixBytesMax` bytes have come, all of them in `gathered`.
    case undecided
    /// Inside `HttpBody.body`.
    case body(remaining: Int)
    /// After the body (then `handedOver` is set), or in a message that is buffered whole.
    case gathering
  }

  /// Two tags of one byte each and two lengths of at most five.
  private static let prefixBytesMax = 12

  private var state = State.undecided
  private var size = 0
  private var gathered: [UInt8] = []
  /// The phase whose body is or was passed on, and how many bytes of its `HttpBody` follow the body.
  private var handedOver: (phase: ProcessingPhase, remainder: Int)?

  package init() {}

  /// Begins a message of `size` bytes.
  package mutating func start(size: Int) {
    state = .undecided
    self.size = size
    gathered.removeAll(keepingCapacity: gathered.capacity <= Self.restBytesMax)
    handedOver = nil
  }

  /// Bytes of the message that are buffered here, for the caller's memory accounting.
  package var gatheredBytes: Int { gathered.count }

  /// The phase whose body is being passed on; nil where none is, or where it is not known yet.
  package var bodyPhase: ProcessingPhase? { handedOver?.phase }

  /// Adds the next bytes of the message. `body` is called with every piece of a body that is passed on,
  /// and its phase. Throws where more than `restBytesMax` bytes follow a body.
  package mutating func add(
    _ bytes: Span<UInt8>, body: (ProcessingPhase, Span<UInt8>) -> Void
  ) throws(WireError) {
    var rest = bytes
    if case .undecided = state {
      let wanted = min(Self.prefixBytesMax, size) - gathered.count
      let taken = min(wanted, rest.count)
      append(rest.extracting(first: taken))
      guard taken == wanted else { return }
      rest = rest.extracting(droppingFirst: taken)
      decide(body: body)
    }
    if case .body(let remaining) = state {
      let taken = min(remaining, rest.count)
      if taken > 0, let phase = handedOver?.phase { body(phase, rest.extracting(first: taken)) }
      state = taken == remaining ? .gathering : .body(remaining: remaining - taken)
      rest = rest.extracting(droppingFirst: taken)
    }
    guard !rest.isEmpty else { return }
    if handedOver != nil, gathered.count + rest.count > Self.restBytesMax {
      throw .outOfRange(field: 9)
    }
    append(rest)
  }

  /// Ends the message and reads it. `read` gets the request and the bytes that its ranges refer to.
  package mutating func finish<R>(
    _ read: (ProcessingRequest, Span<UInt8>) -> R
  ) throws(WireError) -> R {
    let request: ProcessingRequest
    switch (state, handedOver) {
    case (.body, _): throw .truncated(offset: 0)
    case (_, let (phase, remainder)?):
      request = try ProcessingRequest(rest: gathered.span, phase: phase, bodyRemainder: remainder)
    case (_, nil):
      request = try ProcessingRequest(gathered.span)
    }
    return read(request, gathered.span)
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    gathered.append(bytes)
  }

  /// Decides by the first bytes whether a body is passed on or the message is buffered whole.
  private mutating func decide(body: (ProcessingPhase, Span<UInt8>) -> Void) {
    state = .gathering
    guard let start = bodyStart(gathered.span, size: size) else {
      return
    }
    let prefix = gathered
    gathered.removeAll(keepingCapacity: true)
    handedOver = (start.phase, start.remainder)
    // The first bytes may hold part of the body, all of it, or what follows it too.
    let inPrefix = min(prefix.count - start.offset, start.count)
    if inPrefix > 0 {
      body(start.phase, prefix.span.extracting(start.offset..<start.offset + inPrefix))
    }
    if inPrefix < start.count {
      state = .body(remaining: start.count - inPrefix)
    } else {
      append(prefix.span.extracting(droppingFirst: start.offset + inPrefix))
    }
  }

  /// Where the body is in a message that begins with one; nil for a message that begins otherwise.
  /// `remainder` is the number of bytes of the `HttpBody` after the body.
  private func bodyStart(
    _ prefix: Span<UInt8>, size: Int
  ) -> (phase: ProcessingPhase, offset: Int, count: Int, remainder: Int)? {
    guard !prefix.isEmpty else { return nil }
    let phase: ProcessingPhase
    switch prefix[0] {
    case 4 << 3 | 2: phase = .requestBody
    case 5 << 3 | 2: phase = .responseBody
    default: return nil
    }
    var offset = 1
    guard let messageCount = length(prefix, &offset), messageCount <= size - offset,
      offset < prefix.count, prefix[offset] == 1 << 3 | 2
    else { return nil }
    let contentStart = offset
    offset += 1
    guard let count = length(prefix, &offset), offset - contentStart + count <= messageCount
    else { return nil }
    return (phase, offset, count, messageCount - (offset - contentStart) - count)
  }

  /// Reads a varint of at most five bytes and below 2³¹; nil for any other.
  private func length(_ prefix: Span<UInt8>, _ offset: inout Int) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 35, by: 7) {
      guard offset < prefix.count else { return nil }
      let byte = Int(prefix[offset])
      offset += 1
      value |= (byte & 0x7f) << shift
      if byte < 0x80 { return value < 1 << 31 ? value : nil }
    }
    return nil
  }
}
