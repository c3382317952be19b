/// What one JSON text of a response said: a whole JSON body, or the data of one event of a stream.
struct ResponseEvent {
  /// The values of `type` that matter for usage and the end (Anthropic Messages, OpenAI Responses).
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

  /// Where the usage object was: at the top level, in `message` or in `response`.
  enum UsagePlace { case none, top, message, response }

  var kind = Kind.other
  var usagePlace = UsagePlace.none
  var usage = UsageFields()
  /// `choices` has at least one element.
  var hasChoices = false
  /// There is an `error` that is not null.
  var hasError = false
  var finish: FinishReason?
  /// Bytes of content after unescaping. Reasoning is counted under each of its two names, because some
  /// servers give the same text under both; a top-level `delta` is counted apart, because it is base64
  /// where the event turns out to be audio.
  var contentBytes = 0
  var reasoningBytes = 0
  var reasoningContentBytes = 0
  var deltaBytes = 0

  var hasContent: Bool {
    contentBytes | reasoningBytes | reasoningContentBytes | deltaBytes != 0
  }

  /// The bytes of text that the model wrote: reasoning once, audio not.
  var outputBytes: Int {
    contentBytes + max(reasoningBytes, reasoningContentBytes)
      + (kind == .audioDelta ? 0 : deltaBytes)
  }

  /// Whether this is the last event of its stream.
  var isEnd: Bool {
    switch kind {
    case .messageStop, .responseCompleted, .responseIncomplete, .responseFailed: true
    case .messageStart, .messageDelta, .audioDelta, .error, .other: false
    }
  }

  /// How much of the exchange the usage in this event covers.
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

/// How much of an exchange the usage reported so far covers.
enum UsageStanding: Comparable {
  /// There was none.
  case none
  /// It was given before any output (`message_start`).
  case opening
  /// It covers the output up to that point.
  case running
  /// It covers all of the output.
  case final
}

/// Why the model stopped. The providers' own values are mapped onto these.
package enum FinishReason: Sendable, Equatable {
  case stop, length, toolCalls, contentFilter, failed, incomplete, other

  /// From `finish_reason` (OpenAI) or `stop_reason` (Anthropic).
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

  /// From the `status` of an OpenAI Responses object; nil for `in_progress` and any other value.
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
