/// What one JSON text said: a whole JSON body, or the data of one event of a stream.
struct ResponseEvent {
  /// The kinds of event that change how its usage is read (`type`).
  enum Kind {
    case messageStart, messageDelta, messageStop
    case responseCompleted, responseIncomplete, responseFailed
    case audioDelta, error, other

    init(_ text: Span<UInt8>) {
      switch text.count {
      case 5 where text.isText("error"): self = .error
      case 12 where text.isText("message_stop"): self = .messageStop
      case 13 where text.isText("message_start"): self = .messageStart
      case 13 where text.isText("message_delta"): self = .messageDelta
      case 15 where text.isText("response.failed"): self = .responseFailed
      case 18 where text.isText("response.completed"): self = .responseCompleted
      case 19 where text.isText("response.incomplete"): self = .responseIncomplete
      case 20 where text.isText("response.audio.delta"): self = .audioDelta
      default: self = .other
      }
    }
  }

  /// Where its usage object stood.
  enum UsagePlace { case none, top, message, response }

  var kind = Kind.other
  var usagePlace = UsagePlace.none
  var usage = UsageFields()
  /// An element of `choices` has begun.
  var hasChoices = false
  /// There is an `error` that is not null.
  var hasError = false
  var finish: FinishReason?
  /// Bytes of content after unescaping. Servers that give the same reasoning under two names are
  /// counted once; a top-level `delta` may turn out to be base64.
  var contentBytes = 0
  var reasoningBytes = 0
  var reasoningContentBytes = 0
  var deltaBytes = 0

  var hasContent: Bool {
    contentBytes | reasoningBytes | reasoningContentBytes | deltaBytes != 0
  }

  /// The bytes of text that the model wrote.
  var outputBytes: Int {
    contentBytes + max(reasoningBytes, reasoningContentBytes)
      + (kind == .audioDelta ? 0 : deltaBytes)
  }

  /// After this event the provider has no more to say.
  var isEnd: Bool {
    switch kind {
    case .messageStop, .responseCompleted, .responseIncomplete, .responseFailed: true
    case .messageStart, .messageDelta, .audioDelta, .error, .other: false
    }
  }

  /// How far its usage can be trusted to be the last word.
  var standing: UsageStanding {
    switch usagePlace {
    case .none: return .none
    case .message: return .opening
    case .response: return isEnd ? .final : .running
    case .top:
      if hasChoices { return .running }
      return kind == .messageDelta && finish == nil ? .running : .final
    }
  }
}

/// How much of an exchange the usage seen so far speaks for.
enum UsageStanding: Comparable {
  case none
  /// It was given before any output (`message_start`).
  case opening
  /// It speaks for the output until then.
  case running
  case final
}

/// Why the model stopped, as far as it matters here. Each provider's words are mapped onto these.
package enum FinishReason: Sendable, Equatable {
  case stop, length, toolCalls, contentFilter, failed, incomplete, other

  /// `finish_reason` (OpenAI), `stop_reason` (Anthropic).
  init(_ text: Span<UInt8>) {
    if text.isText("stop") || text.isText("end_turn") || text.isText("stop_sequence") {
      self = .stop
    } else if text.isText("length") || text.isText("max_tokens") {
      self = .length
    } else if text.isText("tool_calls") || text.isText("tool_use")
      || text.isText("function_call")
    {
      self = .toolCalls
    } else if text.isText("content_filter") || text.isText("refusal") {
      self = .contentFilter
    } else {
      self = .other
    }
  }

  /// `status` of a Responses object; nil while it is in progress, and for any other word.
  init?(status text: Span<UInt8>) {
    if text.isText("completed") {
      self = .stop
    } else if text.isText("incomplete") {
      self = .incomplete
    } else if text.isText("failed") {
      self = .failed
    } else {
      return nil
    }
  }
}
