import Bytes

/// What an OTLP receiver's answer means (OTLP specification, "OTLP/gRPC Response").
package enum OTLPAnswer {
  /// How the call came out, as gRPC has it.
  package struct Reply: Equatable, Sendable {
    /// nil where the receiver gave none: the connection broke, or something else answered.
    package var status: Int?
    /// nil where not even that came.
    package var httpStatus: Int?
    /// `grpc-message`: the receiver's own words.
    package var text: String
    package var messages: [[UInt8]]
    /// `grpc-status-details-bin`, decoded: a google.rpc.Status.
    package var details: [UInt8]

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
  private static let resourceExhausted = 8
  private static let outOfRange = 11
  /// How servers made with tonic say that a message is over their limit, as OUT_OF_RANGE.
  private static let tonicLimitText = "message length too large"
  /// RFC 9110, section 15.5.14.
  private static let contentTooLarge = 413
  /// CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
  private static let retryable: Set<Int> = [1, 4, 10, 11, 14, 15]

  /// Only the receiver's own word ends a batch: where there is none, it is shipped again.
  package static func judge(_ reply: Reply) -> TargetMachine.Answer {
    guard let status = reply.status else {
      // A proxy's word, or that of a server which looks at sizes before it looks at gRPC.
      if reply.httpStatus == contentTooLarge {
        return .tooLarge("the receiver answered HTTP \(contentTooLarge)")
      }
      return .retry("the call ended without a gRPC status", afterMs: nil)
    }
    if status == 0 { return accepted(reply.messages) }
    let name = codeNames.indices.contains(status) ? codeNames[status] : "the status \(status)"
    let words = printable(Array(reply.text.utf8))
    let text = "the receiver answered \(name)" + (words.isEmpty ? "" : ": \(words)")
    // Retryable by its code, but no wait makes the message smaller.
    if status == outOfRange, reply.text.contains(tonicLimitText) { return .tooLarge(text) }
    let delayMs = RetryInfo.delayMs(inStatus: reply.details)
    if retryable.contains(status) || status == resourceExhausted && delayMs != nil {
      return .retry(text, afterMs: delayMs)
    }
    // Without RetryInfo it is final. It is also how gRPC says that a message is over the limit (OTLP
    // specification, "OTLP/gRPC Request"), which a smaller one need not be.
    return status == resourceExhausted ? .tooLarge(text) : .refused(text)
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

  /// A receiver's own words, for the log: printable ASCII, cut.
  static func printable(_ bytes: [UInt8]) -> String {
    let cut = bytes.prefix(ShippingLimits.receiverTextBytesMax).map { byte in
      (0x20...0x7e).contains(byte) ? byte : UInt8(ascii: "?")
    }
    return String(decoding: cut, as: UTF8.self)
  }
}
