/// A stream of events that is being sent: which event is next, and when it is due.
struct EventStream {
  /// How the stream ended.
  enum End {
    /// With its last event.
    case complete
    /// By `x-sim-cut`.
    case cut
    /// By `x-sim-stall`.
    case stall
  }

  /// How often a stream with `x-sim-step` looks whether it may send its next token.
  static let stepNanoseconds: UInt64 = 2_000_000

  private let script: EventScript
  private let nanosecondsPerToken: Double
  private let startedAt: UInt64
  private let cutAfter: Int
  private let stallAfter: Int
  /// How many tokens may be sent by now; nil without `x-sim-step`.
  private let allowed: (() -> Int)?
  /// When to look again whether the next step is allowed.
  private var heldUntil: UInt64?
  private var hasOpened = false
  private var tokensSent = 0
  /// Set when the last piece has been given.
  private(set) var end: End?

  init(
    _ script: EventScript, _ behaviour: Behaviour, startedAt: UInt64, allowed: (() -> Int)? = nil
  ) {
    self.allowed = allowed
    self.script = script
    nanosecondsPerToken = behaviour.tokensPerSecond.map { 1e9 / $0 } ?? 0
    self.startedAt = startedAt
    cutAfter = behaviour.cutAfterTokens ?? Int.max
    stallAfter = behaviour.stallAfterTokens ?? Int.max
  }

  /// When `next` has to be called again; nil when that does not depend on the time.
  var deadline: UInt64? {
    guard end == nil else { return nil }
    return heldUntil ?? (nanosecondsPerToken > 0 ? due : nil)
  }

  private var due: UInt64 {
    startedAt + UInt64(min(Double(tokensSent + 1) * nanosecondsPerToken, 1e18))
  }

  /// The next event that is due, as a chunk of HTTP/1.1 (RFC 9112, section 7.1); nil when none is
  /// due.
  mutating func next(_ now: UInt64) -> [UInt8]? {
    guard end == nil else { return nil }
    if !hasOpened {
      hasOpened = true
      if !script.opening.isEmpty { return EventStream.chunk(script.opening.flatMap { $0 }) }
    }
    if tokensSent >= cutAfter || tokensSent >= stallAfter {
      end = tokensSent >= cutAfter ? .cut : .stall
      return nil
    }
    if tokensSent < script.tokens {
      heldUntil = nil
      if let allowed, tokensSent >= allowed() {
        heldUntil = now + EventStream.stepNanoseconds
        return nil
      }
      guard nanosecondsPerToken == 0 || now >= due else { return nil }
      defer { tokensSent += 1 }
      return EventStream.chunk(script.token(tokensSent))
    }
    end = .complete
    let last = script.closing.isEmpty ? [] : EventStream.chunk(script.closing.flatMap { $0 })
    return last + Array("0\r\n\r\n".utf8)
  }

  private static func chunk(_ bytes: [UInt8]) -> [UInt8] {
    var out = Array((String(bytes.count, radix: 16) + "\r\n").utf8)
    out.append(contentsOf: bytes)
    out.append(contentsOf: "\r\n".utf8)
    return out
  }
}
