import Bytes
import EnvoyAPI
import Inference
import Transport

/// Proof that Envoy was given a verdict on an exchange. Only `ExchangeStream` makes one, by sending
/// it; only with one can the stream be ended OK. Envoy lets a request through whose stream is closed
/// OK before a verdict.
struct Verdict {
  fileprivate init() {}
}

/// Replies that wait for the admission's record: nothing of them has been sent.
final class HeldReplies {
  let call: Call
  fileprivate var messages: [[UInt8]] = []
  fileprivate var holdsVerdict = false
  fileprivate(set) var byteCount = 0
  /// Those of the bytes that are counted against the call's limit: see `Call.retain`.
  private var countedBytes = 0

  fileprivate init(_ call: Call) { self.call = call }

  /// Counts what came since the last time; false where the limit is reached.
  func count() -> Bool {
    guard byteCount > countedBytes else { return true }
    guard call.retain(bytes: byteCount - countedBytes) else { return false }
    countedBytes = byteCount
    return true
  }

  /// They are not held any more.
  func uncount() {
    call.release(bytes: countedBytes)
    countedBytes = 0
  }

  fileprivate func append(_ message: [UInt8]) {
    byteCount += message.count
    messages.append(message)
  }
}

/// The sending half of an ext_proc stream. The call itself stays in here, so that every OK goes
/// through `complete`.
struct ExchangeStream {
  private let call: Call
  private let held: HeldReplies?

  init(_ call: Call, holding held: HeldReplies? = nil) {
    self.call = call
    self.held = held
  }

  /// A place to hold the stream's replies back.
  func hold() -> HeldReplies { HeldReplies(call) }

  /// The same stream with its replies held back.
  func holding(_ held: HeldReplies) -> ExchangeStream { ExchangeStream(call, holding: held) }

  /// Sends a reply that decides nothing: CONTINUE to some phase.
  func reply(_ writer: borrowing WireWriter) {
    send(writer)
  }

  /// Sends the reply that lets the request go on, or an ImmediateResponse. nil where it is held.
  func verdict(_ writer: borrowing WireWriter) -> Verdict? {
    send(writer)
    return minted()
  }

  /// The same with a body behind the written bytes: `writer` was reset with its size as the tail.
  func verdict(
    _ writer: borrowing WireWriter, body: Span<UInt8>, splices: [Splice]
  ) -> Verdict? {
    send(writer, body, splices)
    return minted()
  }

  /// Sends a reply whose body piece stands behind the written bytes.
  func reply(_ writer: borrowing WireWriter, body: Span<UInt8>) {
    send(writer, body, [])
  }

  /// Sends what was held back; the verdict, if it was among it.
  func release(_ held: HeldReplies) -> Verdict? {
    for message in held.messages { call.send(message.span) }
    held.messages = []
    return held.holdsVerdict ? Verdict() : nil
  }

  private func minted() -> Verdict? {
    guard let held else { return Verdict() }
    held.holdsVerdict = true
    return nil
  }

  private func send(_ writer: borrowing WireWriter) {
    if let held {
      held.append(writer.bytes)
    } else {
      writer.withBytes { call.send($0) }
    }
  }

  private func send(
    _ writer: borrowing WireWriter, _ body: Span<UInt8>, _ splices: [Splice]
  ) {
    if let held {
      var message = writer.bytes
      message.reserveCapacity(writer.mark)
      Self.forEachPiece(of: body, splices) { piece in
        message.append(piece)
      }
      return held.append(message)
    }
    call.beginMessage(size: writer.mark)
    writer.withBytes { call.append($0) }
    Self.forEachPiece(of: body, splices) { call.append($0) }
  }

  /// The body with its splices, piece by piece.
  private static func forEachPiece(
    of body: Span<UInt8>, _ splices: [Splice], _ visit: (Span<UInt8>) -> Void
  ) {
    var start = 0
    for splice in splices {
      visit(body.extracting(start..<splice.range.lowerBound))
      visit(splice.replacement.span)
      start = splice.range.upperBound
    }
    visit(body.extracting(droppingFirst: start))
  }

  /// Ends the stream OK: only after a verdict.
  func complete(_: Verdict) { call.finish(.ok) }

  /// Ends the stream with a failure: Envoy answers with its `status_on_error`.
  func fail(_ failure: GRPCFailure) { call.finish(.failed(failure)) }

  /// See `Call.retain`.
  func retain(bytes: Int) -> Bool { call.retain(bytes: bytes) }
  func release(bytes: Int) { call.release(bytes: bytes) }
}
