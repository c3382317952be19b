import Bytes
import Terms

/// Meters one response while it passes: what it used, when its first content came, how it ended.
///
/// Each byte is read once and only numbers are kept. The client gets the bytes that the backend sent,
/// except for a usage chunk that Tollgate asked for and the client did not.
///
/// It cannot be copied: it is larger than most answers.
package struct ResponseMeter: ~Copyable, Sendable {
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
    /// Whether the answer is text that a model wrote, so that bytes which cannot be read stand for tokens:
    /// false for vectors, pictures and sound.
    var isText: Bool
    /// Whether Tollgate asked for the usage chunk and the client did not.
    var removesUsageChunk: Bool
    /// How long the body is, as its content-length says; nil where it does not.
    var bodyBytes: Int?
    /// When the exchange began, in milliseconds; the time to the first token counts from it.
    var startedMs: Int64

    package init(
      format: ResponseFormat, status: Int, isMetered: Bool = true, isText: Bool = true,
      removesUsageChunk: Bool = false, bodyBytes: Int? = nil, startedMs: Int64
    ) {
      self.format = format
      self.status = status
      self.isMetered = isMetered
      self.isText = isText
      self.removesUsageChunk = removesUsageChunk
      self.bodyBytes = bodyBytes
      self.startedMs = startedMs
    }
  }

  /// How many bytes of JSON or events stand for one token where nothing in them can be read. Readable
  /// streams have more around each token, so no readable form would cost less.
  package static let framedBytesPerToken = 32
  /// How many bytes of audio or of pictures, in base64 or not, stand for one token: those of speech that
  /// is compressed well.
  package static let mediaBytesPerToken = 256
  /// How many bytes of a body with a content-encoding stand for one token, if those are more than what
  /// was reserved.
  package static let encodedBytesPerToken = 4

  private enum Framing { case unknown, json, events, neither }

  private let settings: Settings
  private var framing = Framing.unknown
  private var probe = FramingProbe()
  private var markBytes = 0
  /// One of these reads the body as soon as it is known what it is.
  private var texts: JSONTextReader?
  private var events: EventStreamReader?
  private var bodyBytes = 0

  /// A meter at the beginning of a body.
  package init(_ settings: Settings) { self.settings = settings }

  /// Reads the next piece of the body, at `nowMs` on the clock of `Settings.startedMs`; returns what to
  /// send in its place. `endOfStream`: it is the last piece, and nothing stays held back.
  package mutating func consume(
    _ bytes: Span<UInt8>, nowMs: Int64, endOfStream: Bool = false
  ) -> Action {
    guard settings.isMetered else { return .pass }
    bodyBytes += bytes.count
    let action = framing == .unknown ? begin(bytes, nowMs: nowMs) : read(bytes, nowMs: nowMs)
    guard endOfStream, events != nil else { return action }
    let held = events!.takeHeld()
    guard !held.isEmpty else { return action }
    switch action {
    // Bytes that are held back were taken out of this piece or an earlier one.
    case .pass: return .replace(held)
    case .replace(let rest): return .replace(rest + held)
    }
  }

  private mutating func read(_ bytes: Span<UInt8>, nowMs: Int64) -> Action {
    if events != nil { return events!.consume(bytes, nowMs: nowMs) }
    if texts != nil { texts!.consume(bytes) }
    return .pass
  }

  /// Looks what the body is, and reads what is behind the place where that is known.
  private mutating func begin(_ bytes: Span<UInt8>, nowMs: Int64) -> Action {
    var index = 0
    while index < bytes.count {
      if settings.format == .eventStream {
        // What says that it is one is one, unless it begins as JSON does.
        switch bytes[index] {
        case 0x0A, 0x0D: break
        case let byte where takeMark(byte): break
        case UInt8(ascii: "{"): return beginTexts(bytes, at: index)
        default:
          framing = .events
          return readFromStart(bytes, nowMs: nowMs)
        }
      } else if let found = probe.take(bytes[index]) {
        switch found {
        case .json: return beginTexts(bytes, at: index)
        case .events(let name, let count):
          framing = .events
          events = EventStreamReader(
            afterName: name, count: count, removesUsageChunk: settings.removesUsageChunk)
          return readBehind(index + 1, bytes, nowMs: nowMs)
        case .neither:
          framing = .neither
          return .pass
        }
      }
      index += 1
    }
    // Empty lines and a mark before a stream are its reader's too.
    return settings.format == .eventStream ? readFromStart(bytes, nowMs: nowMs) : .pass
  }

  /// Whether the byte is the next one of a byte order mark.
  private mutating func takeMark(_ byte: UInt8) -> Bool {
    guard markBytes < 3, byte == (markBytes == 0 ? 0xEF : markBytes == 1 ? 0xBB : 0xBF) else {
      return false
    }
    markBytes += 1
    return true
  }

  private mutating func beginTexts(_ bytes: Span<UInt8>, at index: Int) -> Action {
    framing = .json
    events = nil
    texts = JSONTextReader(isLines: settings.format == .jsonLines)
    texts!.consume(bytes.extracting(index..<bytes.count))
    return .pass
  }

  private mutating func readFromStart(_ bytes: Span<UInt8>, nowMs: Int64) -> Action {
    if events == nil {
      events = EventStreamReader(removesUsageChunk: settings.removesUsageChunk)
    }
    return events!.consume(bytes, nowMs: nowMs)
  }

  /// Reads the rest of a piece; what is in front of it is sent on as it is.
  private mutating func readBehind(
    _ start: Int, _ bytes: Span<UInt8>, nowMs: Int64
  ) -> Action {
    switch events!.consume(bytes.extracting(start..<bytes.count), nowMs: nowMs) {
    case .pass: return .pass
    case .replace(let rest): return .replace(bytes.extracting(0..<start).copy() + rest)
    }
  }

  /// The bytes that are still held back. To be sent at the end of a body whose last piece was consumed
  /// without `endOfStream`.
  package mutating func takeHeld() -> [UInt8] { events?.takeHeld() ?? [] }

  /// The response is over: what it used. `endedCleanly` is true where its end was seen, false where it
  /// was cut off.
  package func finish(endedCleanly: Bool) -> MeteredUsage {
    guard settings.isMetered else { return MeteredUsage() }
    let (tally, isStream) = whole
    var metered = tally.usage(
      isStream: isStream, endedCleanly: endedCleanly, status: settings.status)
    metered.ttftMs = tally.firstContentMs.map { max(0, $0 - settings.startedMs) }
    if settings.isText, metered.source == .estimated {
      estimateUnread(&metered, tally, endedCleanly: endedCleanly)
    }
    return metered
  }

  private var whole: (tally: UsageTally, isStream: Bool) {
    if framing == .events, let events { return (events.whole, true) }
    return texts?.whole ?? (UsageTally(), false)
  }

  /// Nothing that passed is free: what could not be read is estimated by its bytes.
  private func estimateUnread(
    _ metered: inout MeteredUsage, _ tally: UsageTally, endedCleanly: Bool
  ) {
    if bodyBytes > 0, !tally.isRecognized {
      estimateUnknown(&metered, tally, endedCleanly: endedCleanly)
    } else if tally.brokenBytes > 0 {
      metered.unread = .malformed
      metered.unreadTokens += tally.brokenBytes / Self.framedBytesPerToken
    }
    // A backend that sends no stream has done the work before it answers; the client left meanwhile.
    if !endedCleanly, framing != .events, settings.format != .media, settings.format != .encoded,
      let expected = settings.bodyBytes, expected > bodyBytes
    {
      metered.outputBytesAfterUsage += expected - bodyBytes
    }
  }

  /// Of an answer in which nothing was of a known shape.
  private func estimateUnknown(
    _ metered: inout MeteredUsage, _ tally: UsageTally, endedCleanly: Bool
  ) {
    if settings.format == .encoded {
      metered.unread = .encoded
      metered.unreadTokens += bodyBytes / Self.encodedBytesPerToken
    } else if framing == .json || framing == .events {
      guard endedCleanly || tally.textCount > 0 else { return }
      metered.unread = tally.brokenBytes > 0 ? .malformed : .unknownShape
      metered.unreadTokens += bodyBytes / Self.framedBytesPerToken
    } else if framing == .unknown, !probe.hasBegun {
      // Empty lines, which keep a connection alive.
    } else if settings.format == .media {
      metered.unread = .media
      metered.unreadTokens += bodyBytes / Self.mediaBytesPerToken
    } else {
      metered.unread = .text
      metered.outputBytes += bodyBytes
      metered.outputBytesAfterUsage += bodyBytes
    }
  }
}
