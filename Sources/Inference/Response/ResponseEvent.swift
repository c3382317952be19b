import Bytes
import Terms

/// What one JSON text of a response said: a whole JSON body, or the data of one event of a stream.
struct ResponseEvent {
  /// The values of `type` that matter for usage and the end (Anthropic Messages, OpenAI Responses and
  /// audio).
  enum Kind {
    case messageStart, messageDelta, messageStop
    case responseCompleted, responseIncomplete, responseFailed
    /// Comes before any work: the response exists, and nothing has been generated.
    case announcement
    /// Says again in one piece what came in pieces before (`response.output_text.done`).
    case restatement
    case audioDelta, error, other

    init(_ text: Span<UInt8>) {
      switch text.count {
      case 4 where text.elementsEqual("ping"): self = .announcement
      case 5 where text.elementsEqual("error"): self = .error
      case 12 where text.elementsEqual("message_stop"): self = .messageStop
      case 13 where text.elementsEqual("message_start"): self = .messageStart
      case 13 where text.elementsEqual("message_delta"): self = .messageDelta
      case 15 where text.elementsEqual("response.failed"): self = .responseFailed
      case 15 where text.elementsEqual("response.queued"): self = .announcement
      case 16 where text.elementsEqual("response.created"): self = .announcement
      case 18 where text.elementsEqual("response.completed"): self = .responseCompleted
      case 19 where text.elementsEqual("response.incomplete"): self = .responseIncomplete
      case 20 where text.elementsEqual("response.audio.delta"): self = .audioDelta
      case 20 where text.elementsEqual("response.in_progress"): self = .announcement
      case 27 where text.elementsEqual("response.output_audio.delta"): self = .audioDelta
      default: self = Self.byEnding(text)
      }
    }

    /// What the last letters tell: providers name their errors and their ends in many ways
    /// (`overloaded_error`, `BadRequestError`).
    private static func byEnding(_ text: Span<UInt8>) -> Kind {
      let ending = text.extracting(last: 5)
      if ending.elementsEqual(ignoringCase: "error") { return .error }
      return ending.elementsEqual(".done") ? .restatement : .other
    }
  }

  /// Where the usage object was: at the top level or in a choice, in `message`, in `response`, or in an
  /// object of the provider's own (`x_groq`, `meta`), for which counts beside the answer stand too.
  enum UsagePlace { case none, top, message, response, wrapper }

  var kind = Kind.other
  var usagePlace = UsagePlace.none
  var usage = UsageFields()
  /// `choices` has at least one element.
  var hasChoices = false
  /// There is content, which may be empty.
  var hasText = false
  /// There is an `error`.
  var hasError = false
  /// The whole text's `status` says that the work has not been done yet.
  var isPending = false
  var finish: FinishReason?
  var tier: ServiceTier?
  var region: ServedRegion?
  /// Items of the output that say that the provider searched.
  var webSearches = 0
  var fileSearches = 0
  /// Pictures in the body.
  var pictures = 0
  /// Bytes of content after unescaping. Reasoning is counted under each of its names, because some
  /// servers give the same text under several; a top-level `delta` is counted apart, because it is
  /// base64 where the event turns out to be audio.
  var contentBytes = 0
  var reasoningBytes = 0
  var reasoningContentBytes = 0
  var reasoningDetailBytes = 0
  var deltaBytes = 0
  /// Bytes of a message's members that are not known, which count where there is no other content.
  var unknownBytes = 0
  /// Bytes of base64: audio, pictures.
  var mediaBytes = 0
  /// Bytes of `logprobs`, which count where there is no other content.
  var logprobBytes = 0
  /// Bytes behind the place where the text turned out not to be JSON.
  var brokenBytes = 0

  var hasContent: Bool {
    contentBytes | reasoningBytes | reasoningContentBytes | reasoningDetailBytes | deltaBytes
      | mediaBytes != 0
  }

  /// The bytes of text that the model wrote: reasoning once, audio not.
  var outputBytes: Int {
    let known =
      contentBytes + max(reasoningBytes, reasoningContentBytes, reasoningDetailBytes)
      + (kind == .audioDelta ? 0 : deltaBytes)
    return known | mediaBytes == 0 ? unknownBytes : known
  }

  /// The bytes of base64 that the model made.
  var mediaOutputBytes: Int { mediaBytes + (kind == .audioDelta ? deltaBytes : 0) }

  /// Whether it reports an error.
  var isError: Bool { hasError || kind == .error || kind == .responseFailed || finish == .failed }

  /// Whether it says no more than that the answer will come.
  var isAnnouncement: Bool { kind == .announcement }

  /// Whether anything in it is known.
  var isRecognized: Bool {
    hasContent || hasText || hasChoices || isError || isPending || usagePlace != .none
      || finish != nil || kind != .other && kind != .restatement
  }

  /// Whether this is the last event of its stream.
  var isEnd: Bool {
    switch kind {
    case .messageStop, .responseCompleted, .responseIncomplete, .responseFailed: true
    case .messageStart, .messageDelta, .announcement, .restatement, .audioDelta, .error, .other:
      false
    }
  }

  /// Whether its text is the answer that came in pieces before, as far as those came.
  var isRestated: Bool { kind == .restatement || isEnd }

  /// How much of the exchange the usage in this event covers.
  var standing: UsageStanding {
    switch usagePlace {
    case .none: return .none
    case .message: return .opening
    case .response: return isEnd ? .final : .running
    case .top, .wrapper:
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

extension FinishReason {
  /// From `finish_reason` (OpenAI) or `stop_reason` (Anthropic).
  init(_ text: Span<UInt8>) {
    if text.elementsEqual("stop") || text.elementsEqual("end_turn")
      || text.elementsEqual("stop_sequence")
    {
      self = .stop
    } else if text.elementsEqual("length") || text.elementsEqual("max_tokens") {
      self = .length
    } else if text.elementsEqual("tool_calls") || text.elementsEqual("tool_use")
      || text.elementsEqual("function_call")
    {
      self = .toolCalls
    } else if text.elementsEqual("content_filter") || text.elementsEqual("refusal") {
      self = .contentFilter
    } else if text.elementsEqual("error") {
      self = .failed
    } else {
      self = .other
    }
  }

  /// From the `status` of an OpenAI Responses object; nil for `in_progress` and any other value.
  init?(status text: Span<UInt8>) {
    if text.elementsEqual("completed") {
      self = .stop
    } else if text.elementsEqual("incomplete") {
      self = .incomplete
    } else if text.elementsEqual("failed") {
      self = .failed
    } else {
      return nil
    }
  }
}
