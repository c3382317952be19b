import EnvoyAPI
import Transport

/// Proof that Envoy was given a verdict on an exchange. Only `ExchangeStream` makes one, by sending
/// it; only with one can the stream be ended OK. Envoy lets a request through whose stream is closed
/// OK before a verdict.
struct Verdict {
  fileprivate init() {}
}

/// The sending half of an ext_proc stream. The call itself stays in here, so that every OK goes
/// through `complete`.
struct ExchangeStream {
  private let call: Call

  init(_ call: Call) { self.call = call }

  /// Sends a reply that decides nothing: CONTINUE to some phase.
  func reply(_ writer: borrowing WireWriter) {
    writer.withBytes { call.send($0) }
  }

  /// Sends the reply that lets the request go on, or an ImmediateResponse.
  func verdict(_ writer: borrowing WireWriter) -> Verdict {
    writer.withBytes { call.send($0) }
    return Verdict()
  }

  /// The same with a body behind the written bytes: `writer` was reset with its size as the tail.
  func verdict(
    _ writer: borrowing WireWriter, body: Span<UInt8>, splice: (range: Range<Int>, with: [UInt8])?
  ) -> Verdict {
    send(writer, body, splice)
    return Verdict()
  }

  /// Sends a reply whose body piece stands behind the written bytes.
  func reply(_ writer: borrowing WireWriter, body: Span<UInt8>) {
    send(writer, body, nil)
  }

  private func send(
    _ writer: borrowing WireWriter, _ body: Span<UInt8>,
    _ splice: (range: Range<Int>, with: [UInt8])?
  ) {
    call.beginMessage(size: writer.mark)
    writer.withBytes { call.append($0) }
    guard let splice else {
      call.append(body)
      return
    }
    call.append(body.extracting(first: splice.range.lowerBound))
    call.append(splice.with.span)
    call.append(body.extracting(droppingFirst: splice.range.upperBound))
  }

  /// Ends the stream OK: only after a verdict.
  func complete(_: Verdict) { call.finish(.ok) }

  /// Ends the stream with a failure: Envoy answers with its `status_on_error`.
  func fail(_ failure: GRPCFailure) { call.finish(.failed(failure)) }

  /// See `Call.retain`.
  func retain(bytes: Int) -> Bool { call.retain(bytes: bytes) }
  func release(bytes: Int) { call.release(bytes: bytes) }
}
