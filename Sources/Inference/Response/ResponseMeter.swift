/// Meters one response as it passes: what it used, when its first content came, how it ended.
///
/// It sees each byte once and keeps numbers only. What reaches the client is what the backend sent,
/// except for the usage chunk that we asked for and the client did not.
package struct ResponseMeter: Sendable {
  /// What is to be done with a piece of the body.
  package enum Action: Sendable, Equatable {
    /// It goes on as it is.
    case pass
    /// These bytes go on in its place; there may be none.
    case replace([UInt8])
  }

  package struct Settings: Sendable {
    package var format: ResponseFormat
    /// The HTTP status of the response.
    package var status: Int
    /// Usage is looked for: not in Envoy's own answers, nor where an endpoint has none.
    package var isMetered: Bool
    /// We asked for the usage chunk and the client did not.
    package var removesUsageChunk: Bool
    /// When the exchange began; the time to the first token counts from it.
    package var startedMs: Int64

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
  /// One of them, or none where nothing is read.
  private var text: ResponseScanner?
  private var events: EventStreamReader?

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

  /// The next piece of the body, and what is to be done with it. `endOfStream`: it is the last, and
  /// nothing is held back behind it.
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
    // What is held back was taken out of this piece or an earlier one.
    case .pass: return .replace(held)
    case .replace(let rest): return .replace(rest + held)
    }
  }

  /// What is still held back and must follow the last piece, where that was not known to be the last.
  package mutating func takeHeld() -> [UInt8] { events?.takeHeld() ?? [] }

  /// The response is over. `endedCleanly`: its end has been seen; otherwise it was cut.
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
