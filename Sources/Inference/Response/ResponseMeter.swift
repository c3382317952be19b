/// Meters one response while it passes: what it used, when its first content came, how it ended.
///
/// Each byte is read once and only numbers are kept. The client gets the bytes that the backend sent,
/// except for a usage chunk that Tollgate asked for and the client did not.
package struct ResponseMeter: Sendable {
  /// What to do with a piece of the body.
  package enum Action: Sendable, Equatable {
    /// Send it on unchanged.
    case pass
    /// Send these bytes in its place; there may be none.
    case replace([UInt8])
  }

  /// What is known of a response before its body.
  package struct Settings: Sendable {
    var format: ResponseFormat
    /// The HTTP status of the response.
    var status: Int
    /// Whether to look for usage: false for Envoy's own answers and for endpoints that report none.
    var isMetered: Bool
    /// Whether Tollgate asked for the usage chunk and the client did not.
    var removesUsageChunk: Bool
    /// When the exchange began, in milliseconds; the time to the first token counts from it.
    var startedMs: Int64

    package init(
      format: ResponseFormat, status: Int, isMetered: Bool = true, removesUsageChunk: Bool = false,
      startedMs: Int64
    ) {
      self.format = format
      self.status = status
      self.isMetered = isMetered
      self.removesUsageChunk = removesUsageChunk
      self.startedMs = startedMs
    }
  }

  private let settings: Settings
  /// One of these reads the body; neither where it is not read.
  private var text: ResponseScanner?
  private var events: EventStreamReader?

  /// A meter at the beginning of a body.
  package init(_ settings: Settings) {
    self.settings = settings
    guard settings.isMetered else { return }
    switch settings.format {
    case .json: text = ResponseScanner(isEvent: false)
    case .eventStream:
      events = EventStreamReader(removesUsageChunk: settings.removesUsageChunk)
    case .other: break
    }
  }

  /// Reads the next piece of the body, at `nowMs` on the clock of `Settings.startedMs`; returns what to
  /// send in its place. `endOfStream`: it is the last piece, and nothing stays held back.
  package mutating func consume(
    _ bytes: Span<UInt8>, nowMs: Int64, endOfStream: Bool = false
  ) -> Action {
    if text != nil { _ = text!.scan(bytes, from: 0) }
    guard events != nil else { return .pass }
    let action = events!.consume(bytes, nowMs: nowMs)
    guard endOfStream else { return action }
    let held = events!.takeHeld()
    guard !held.isEmpty else { return action }
    switch action {
    // Bytes that are held back were taken out of this piece or an earlier one.
    case .pass: return .replace(held)
    case .replace(let rest): return .replace(rest + held)
    }
  }

  /// The bytes that are still held back. To be sent at the end of a body whose last piece was consumed
  /// without `endOfStream`.
  package mutating func takeHeld() -> [UInt8] { events?.takeHeld() ?? [] }

  /// The response is over: what it used. `endedCleanly` is true where its end was seen, false where it
  /// was cut off.
  package func finish(endedCleanly: Bool) -> MeteredUsage {
    guard settings.isMetered else { return MeteredUsage() }
    if let events {
      var metered = events.usage(endedCleanly: endedCleanly, status: settings.status)
      metered.ttftMs = events.firstContentMs.map { max(0, $0 - settings.startedMs) }
      return metered
    }
    var tally = UsageTally()
    if let text {
      tally.absorb(text.event)
      if text.isComplete { tally.noteEnd() }
    }
    return tally.usage(isStream: false, endedCleanly: endedCleanly, status: settings.status)
  }
}
