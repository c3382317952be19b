import Bytes

/// What an OTLP receiver's answer means for the batch (OTLP specification, "OTLP/gRPC Response").
package enum OTLPAnswer {
  /// The answer as it came over gRPC.
  package struct Reply: Equatable, Sendable {
    /// `grpc-status`; nil where there is none: the connection was lost, or something else answered.
    package var status: Int?
    /// The HTTP status; nil where there is none.
    package var httpStatus: Int?
    /// `grpc-message`: the receiver's own words.
    package var text: String
    /// The response messages; a good answer has exactly one.
    package var messages: [[UInt8]]
    /// `grpc-status-details-bin`, decoded: a google.rpc.Status.
    package var details: [UInt8]

    /// An answer without what is not given.
    package init(
      status: Int?, httpStatus: Int? = nil, text: String = "", messages: [[UInt8]] = [],
      details: [UInt8] = []
    ) {
      self.status = status
      self.httpStatus = httpStatus
      self.text = text
      self.messages = messages
      self.details = details
    }
  }

  /// gRPC's names for the codes 0 to 16.
  static let codeNames = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]
  private static let invalidArgument = 3
  private static let resourceExhausted = 8
  private static let outOfRange = 11
  /// What servers made with tonic (Rust) say, with OUT_OF_RANGE, of a message over their limit.
  private static let tonicLimitText = "message length too large"
  /// The HTTP status Content Too Large (RFC 9110, section 15.5.14).
  private static let contentTooLarge = 413

  /// What the receiver says of the batch. INVALID_ARGUMENT is about its records, RESOURCE_EXHAUSTED may
  /// be about its size. Every other code is about the receiver, and the batch is shipped again: an
  /// expired token (UNAUTHENTICATED), a missing permission, a service that is not there yet
  /// (UNIMPLEMENTED, NOT_FOUND) are mended, and records that were given up meanwhile would be lost.
  /// The OTLP specification calls some of these not retryable, because it speaks of clients that have
  /// nothing to keep their data in.
  package static func judge(_ reply: Reply) -> TargetMachine.Answer {
    guard let status = reply.status else {
      // From a proxy, or a server that checks sizes before it reads gRPC.
      if reply.httpStatus == contentTooLarge {
        return .tooLarge("the receiver answered HTTP \(contentTooLarge)")
      }
      return .retry("the call ended without a gRPC status", afterMs: nil)
    }
    if status == 0 { return accepted(reply.messages) }
    let name = codeNames.indices.contains(status) ? codeNames[status] : "the status \(status)"
    let words = printable(Array(reply.text.utf8))
    let text = "the receiver answered \(name)" + (words.isEmpty ? "" : ": \(words)")
    // The code is retryable, but waiting does not make the message smaller.
    if status == outOfRange, reply.text.contains(tonicLimitText) { return .tooLarge(text) }
    let delayMs = RetryInfo.delayMs(inStatus: reply.details)
    // RESOURCE_EXHAUSTED without RetryInfo is also what a message over the limit is answered with (OTLP
    // specification, "OTLP/gRPC Request"), and a smaller message may be accepted.
    if status == resourceExhausted, delayMs == nil { return .tooLarge(text) }
    return status == invalidArgument ? .refused(text) : .retry(text, afterMs: delayMs)
  }

  private static func accepted(_ messages: [[UInt8]]) -> TargetMachine.Answer {
    guard messages.count == 1, let partial = try? PartialSuccess(response: messages[0]) else {
      return .retry("the receiver's answer is not an ExportLogsServiceResponse", afterMs: nil)
    }
    if partial.rejected <= 0, partial.message.isEmpty { return .delivered }
    return .partial(rejected: max(0, partial.rejected), message: partial.message)
  }

  /// Of ExportLogsServiceResponse {partial_success=1 {rejected_log_records=1, error_message=2}}.
  private struct PartialSuccess {
    var rejected = 0
    var message = ""

    /// Throws where the response is malformed; fields of later versions are passed over.
    init(response: [UInt8]) throws(WireError) {
      let bytes = response.span
      var outer = WireReader(0..<bytes.count)
      while let field = try outer.next(in: bytes) {
        guard field.number == 1, field.kind == .bytes else { continue }
        var inner = WireReader(field.range)
        while let field = try inner.next(in: bytes) {
          switch (field.number, field.kind) {
          case (1, .varint): rejected = Int(clamping: Int64(bitPattern: field.value))
          case (2, .bytes): message = OTLPAnswer.printable(bytes.extracting(field.range).copy())
          default: break
          }
        }
      }
    }
  }

  /// A receiver's own words as the log may have them: printable ASCII, cut to
  /// `receiverTextBytesMax`.
  static func printable(_ bytes: [UInt8]) -> String {
    let cut = bytes.prefix(ShippingLimits.receiverTextBytesMax).map { byte in
      (0x20...0x7e).contains(byte) ? byte : UInt8(ascii: "?")
    }
    return String(decoding: cut, as: UTF8.self)
  }
}
