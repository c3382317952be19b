import Books
import Gateway
import Server
import Transport

/// What the tests serve instead of the gateway.
final class EchoGateway: LoopGateway {
  func use(_ policy: CompiledPolicy) {}
  func recordsEnded(_ outcome: Books.RecordOutcome) {}
  func storeAnswered(_ tickets: [UInt64]) {}

  func handler(path: Span<UInt8>) -> (any CallHandler)? {
    switch String(decoding: (0..<path.count).map { path[$0] }, as: UTF8.self) {
    case "/echo.Echo/Echo": Echo()
    case "/echo.Echo/Large": Large()
    default: nil
    }
  }
}

/// Sends every message back; ends when the client does.
private final class Echo: CallHandler {
  private var pieces: [UInt8] = []

  func message(_ bytes: Span<UInt8>, on call: Call) { call.send(bytes) }
  func messageStarted(size: Int, on call: Call) { pieces = [] }
  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {
    unsafe bytes.withUnsafeBufferPointer { unsafe pieces.append(contentsOf: $0) }
  }
  func messageEnded(on call: Call) {
    let whole = pieces
    call.send(whole.span)
  }
  func halfClosed(on call: Call) { call.finish(.ok) }
  func ended(_ how: CallTermination, on call: Call) {}
}

/// Answers each message with 1 MiB, however little of it the client reads.
private final class Large: CallHandler {
  static let answer = [UInt8](repeating: 7, count: 1 << 20)

  func message(_ bytes: Span<UInt8>, on call: Call) { call.send(Self.answer.span) }
  func messageStarted(size: Int, on call: Call) {}
  func messageBytes(_ bytes: Span<UInt8>, on call: Call) {}
  func messageEnded(on call: Call) { call.send(Self.answer.span) }
  func halfClosed(on call: Call) { call.finish(.ok) }
  func ended(_ how: CallTermination, on call: Call) {}
}
