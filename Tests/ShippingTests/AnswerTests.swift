import Shipping
import Testing

/// Every answer an OTLP receiver can give, as the OTLP specification has it.
@Suite struct AnswerTests {
  /// A length-delimited field.
  private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    precondition(content.count < 128)
    return [number << 3 | 2, UInt8(content.count)] + content
  }

  /// google.rpc.Status with RetryInfo; seconds below 128.
  private func retryInfo(seconds: UInt8, prefix: String = "type.googleapis.com/") -> [UInt8] {
    let any =
      field(1, Array("\(prefix)google.rpc.RetryInfo".utf8)) + field(2, field(1, [8, seconds]))
    return [8, 8] + field(2, Array("wait".utf8)) + field(3, any)
  }

  private func judge(
    _ status: Int?, messages: [[UInt8]] = [], details: [UInt8] = []
  ) -> TargetMachine.Answer {
    OTLPAnswer.judge(.init(status: status, messages: messages, details: details))
  }

  /// Only INVALID_ARGUMENT is about the records: what a receiver says of itself gives none of them up.
  @Test(arguments: 1...17) func `Each code but two is a state of the receiver's`(code: Int) {
    switch judge(code) {
    case .retry(let reason, let afterMs):
      #expect(code != 3 && code != 8 && afterMs == nil && !reason.isEmpty)
    case .refused(let reason): #expect(code == 3 && !reason.isEmpty)
    case .tooLarge(let reason): #expect(code == 8 && !reason.isEmpty)
    case .delivered, .partial: Issue.record("\(code) delivers nothing")
    }
  }

  @Test func `RetryInfo makes RESOURCE_EXHAUSTED worth a retry, and nothing else`() {
    let details = retryInfo(seconds: 7)
    #expect(
      judge(8, details: details)
        == .retry("the receiver answered RESOURCE_EXHAUSTED", afterMs: 7000))
    #expect(
      judge(14, details: details) == .retry("the receiver answered UNAVAILABLE", afterMs: 7000))
    #expect(judge(3, details: details) == .refused("the receiver answered INVALID_ARGUMENT"))
    #expect(
      judge(8, details: retryInfo(seconds: 1, prefix: ""))
        == .retry("the receiver answered RESOURCE_EXHAUSTED", afterMs: 1000))
    let other = field(3, field(1, Array("type.googleapis.com/google.rpc.ErrorInfo".utf8)))
    #expect(judge(8, details: other) == .tooLarge("the receiver answered RESOURCE_EXHAUSTED"))
  }

  @Test func `What gRPC says of a message over its limit is kept, printable and cut`() {
    let words = "grpc: received message larger than max (4679564 vs. 4194304)"
    #expect(
      OTLPAnswer.judge(.init(status: 8, text: words))
        == .tooLarge("the receiver answered RESOURCE_EXHAUSTED: \(words)"))
    let hostile = "\u{1b}[31m" + String(repeating: "x", count: 1000)
    guard case .refused(let text) = OTLPAnswer.judge(.init(status: 3, text: hostile)) else {
      Issue.record("not refused")
      return
    }
    #expect(text.hasPrefix("the receiver answered INVALID_ARGUMENT: ?[31mxx"))
    #expect(text.utf8.count < ShippingLimits.receiverTextBytesMax + 50)
  }

  @Test func `Other words for too large are no reason to ship the same again for ever`() {
    for words in [
      "Error, message length too large: found 5000077 bytes, the limit is: 4194304 bytes",
      "Error, decoded message length too large: found 9933716 bytes, the limit is: 4194304 bytes",
    ] {
      #expect(
        OTLPAnswer.judge(.init(status: 11, text: words))
          == .tooLarge("the receiver answered OUT_OF_RANGE: \(words)"))
    }
    #expect(
      OTLPAnswer.judge(.init(status: nil, httpStatus: 413))
        == .tooLarge("the receiver answered HTTP 413"))
    for status in [200, 400, 401, 403, 404, 412, 414, 502, 503] {
      guard case .retry = OTLPAnswer.judge(.init(status: nil, httpStatus: status)) else {
        Issue.record("HTTP \(status) is no receiver's word")
        return
      }
    }
  }

  @Test func `Details cut anywhere never trap, and without RetryInfo are final`() {
    let whole = retryInfo(seconds: 7)
    for count in whole.indices {
      if case .delivered = judge(8, details: Array(whole.prefix(count))) {
        Issue.record("delivered")
      }
    }
  }

  @Test func `Without a status the batch is shipped again`() {
    guard case .retry = judge(nil) else {
      Issue.record("a broken call is no answer")
      return
    }
  }

  @Test func `An empty response is full success`() {
    #expect(judge(0, messages: [[]]) == .delivered)
    // A partial_success that says nothing.
    #expect(judge(0, messages: [field(1, [])]) == .delivered)
    // Fields of later versions.
    #expect(judge(0, messages: [field(9, [1, 2])]) == .delivered)
  }

  @Test func `Partial success counts what was rejected`() {
    let partial = [8, 3] + field(2, Array("too old".utf8))
    #expect(
      judge(0, messages: [field(1, partial)]) == .partial(rejected: 3, message: "too old"))
    #expect(
      judge(0, messages: [field(1, field(2, Array("hm".utf8)))])
        == .partial(rejected: 0, message: "hm"))
    // A negative number rejects nothing.
    let negative: [UInt8] = [8] + Array(repeating: 0xff, count: 9) + [1]
    #expect(judge(0, messages: [field(1, negative)]) == .delivered)
  }

  @Test func `OK without one readable message is no acknowledgement`() {
    for messages in [[], [[], []], [[0xff]], [[10, 5, 1]], [field(1, [8])]] as [[[UInt8]]] {
      guard case .retry = judge(0, messages: messages) else {
        Issue.record("\(messages) acknowledged")
        continue
      }
    }
  }

  @Test func `A receiver's words are cut and printable`() {
    let words =
      Array("a\nb\u{1b}[31m".utf8) + [0xff] + Array(repeating: UInt8(ascii: "x"), count: 100)
    guard case .partial(_, let message) = judge(0, messages: [field(1, field(2, words))]) else {
      Issue.record("no partial success")
      return
    }
    #expect(message.hasPrefix("a?b?[31m?xx"))
    #expect(message.utf8.allSatisfy { (0x20...0x7e).contains($0) })
  }
}
