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
  private static let resourceExhausted = 8
  private static let outOfRange = 11
  /// What servers made with tonic (Rust) say, with OUT_OF_RANGE, of a message over their limit.
  private static let tonicLimitText = "message length too large"
  /// The HTTP status Content Too Large (RFC 9110, section 15.5.14).
  private static let contentTooLarge = 413
  /// The codes that the OTLP specification calls retryable: CANCELLED, DEADLINE_EXCEEDED, ABORTED,
  /// OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
  private static let retryable: Set<Int> = [1, 4, 10, 11, 14, 15]

  /// What becomes of the batch. Only a gRPC status of the receiver's ends it; without one it is
  /// shipped again.
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
    if retryable.contains(status) || status == resourceExhausted && delayMs != nil {
      return .retry(text, afterMs: delayMs)
    }
    // RESOURCE_EXHAUSTED without RetryInfo is final. It is also what a message over the limit is
    // answered with (OTLP specification, "OTLP/gRPC Request"), and a smaller message may be
    // accepted.
    return status == resourceExhausted ? .tooLarge(text) : .refused(text)
  }

  /// Reads an ExportLogsServiceResponse: partial_success=1 {rejected_log_records=1,
  /// error_message=2}.
  private static func accepted(_ messages: [[UInt8]]) -> TargetMachine.Answer {
    guard messages.count == 1, let fields = ProtobufReader.fields(messages[0]) else {
      return .retry("the receiver's answer is not an ExportLogsServiceResponse", afterMs: nil)
    }
    var rejected = 0
    var message = ""
    for case (1, .bytes(let partial)) in fields {
      guard let fields = ProtobufReader.fields(partial) else {
        return .retry("the receiver's answer is not an ExportLogsServiceResponse", afterMs: nil)
      }
      for field in fields {
        switch field {
        case (1, .varint(let count)): rejected = Int(clamping: Int64(bitPattern: count))
        case (2, .bytes(let text)): message = printable(text)
        default: break
        }
      }
    }
    if rejected <= 0, message.isEmpty { return .delivered }
    return .partial(rejected: max(0, rejected), message: message)
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
