/// The objects and arrays of a response that are read; all others are skipped.
enum ResponsePlace: UInt8 {
  case root = 1
  case usage, promptDetails, completionDetails
  case choices, choice, message, toolCalls, toolCall, function
  case envelope, response, delta, block, blocks, outputItems, outputItem

  var isArray: Bool {
    switch self {
    case .choices, .toolCalls, .blocks, .outputItems: true
    case .root, .usage, .promptDetails, .completionDetails, .choice, .message, .toolCall,
      .function, .envelope, .response, .delta, .block, .outputItem:
      false
    }
  }
}

/// What a member of such an object means to the meter. The name counts only in its place: a `usage`
/// inside any other object, or in a string, is ignored.
enum ResponseMember: Equatable {
  case ignored
  case usage, promptDetails, completionDetails
  case tokens(UsageField)
  case choices, message, toolCalls, toolCall, function
  case envelope, response, delta, block, blocks, outputItems
  case text, reasoning, reasoningContent
  case kind, finish, status, error

  /// What a member of this name is in this place. `isEvent`: the text is an event of a stream, not a
  /// whole body.
  init(_ name: Span<UInt8>, in place: ResponsePlace, isEvent: Bool) {
    switch place {
    case .root: self = isEvent ? Self.ofEvent(name) : Self.ofBody(name)
    case .usage: self = Self.ofUsage(name)
    case .promptDetails: self = UsageField(promptDetail: name).map { .tokens($0) } ?? .ignored
    case .completionDetails:
      self = UsageField(completionDetail: name).map { .tokens($0) } ?? .ignored
    case .choice: self = Self.ofChoice(name)
    case .message: self = Self.ofMessage(name)
    case .toolCall: self = Self.ofToolCall(name)
    case .function:
      self =
        name.isText("arguments") || name.isText("input") || name.isText("name")
        ? .text : .ignored
    case .envelope: self = name.isText("usage") ? .usage : .ignored
    case .response: self = Self.ofResponse(name)
    case .delta, .block: self = Self.ofBlock(name)
    case .outputItem: self = Self.ofOutputItem(name)
    case .choices, .toolCalls, .blocks, .outputItems: self = .ignored
    }
  }

  /// What an element of an array is.
  init(elementOf place: ResponsePlace) {
    switch place {
    case .choices: self = .choices
    case .toolCalls: self = .toolCall
    case .blocks: self = .block
    case .outputItems: self = .outputItems
    case .root, .usage, .promptDetails, .completionDetails, .choice, .message, .toolCall,
      .function, .envelope, .response, .delta, .block, .outputItem:
      self = .ignored
    }
  }

  /// The place that an object or array in this member is; nil where it is skipped.
  func place(isArray: Bool, in outer: ResponsePlace) -> ResponsePlace? {
    switch self {
    case .usage: isArray ? nil : .usage
    case .promptDetails: isArray ? nil : .promptDetails
    case .completionDetails: isArray ? nil : .completionDetails
    case .choices: outer == .choices ? (isArray ? nil : .choice) : (isArray ? .choices : nil)
    case .message: isArray ? nil : .message
    case .toolCalls: isArray ? .toolCalls : nil
    case .toolCall: isArray ? nil : .toolCall
    case .function: isArray ? nil : .function
    case .envelope: isArray ? nil : .envelope
    case .response: isArray ? nil : .response
    case .delta: isArray ? nil : .delta
    case .block: isArray ? nil : .block
    case .blocks: isArray ? .blocks : nil
    case .outputItems:
      outer == .outputItems ? (isArray ? nil : .outputItem) : (isArray ? .outputItems : nil)
    case .ignored, .tokens, .text, .reasoning, .reasoningContent, .kind, .finish, .status, .error:
      nil
    }
  }

  private static func ofEvent(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.isText("type"): .kind
    case 5 where name.isText("usage"): .usage
    case 5 where name.isText("delta"): .delta
    case 5 where name.isText("error"): .error
    case 7 where name.isText("choices"): .choices
    case 7 where name.isText("message"): .envelope
    case 8 where name.isText("response"): .response
    case 13 where name.isText("content_block"): .block
    default: .ignored
    }
  }

  private static func ofBody(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.isText("text"): .text
    case 5 where name.isText("usage"): .usage
    case 5 where name.isText("error"): .error
    case 6 where name.isText("output"): .outputItems
    case 6 where name.isText("status"): .status
    case 7 where name.isText("choices"): .choices
    case 7 where name.isText("content"): .blocks
    case 11 where name.isText("stop_reason"): .finish
    default: .ignored
    }
  }

  private static func ofUsage(_ name: Span<UInt8>) -> Self {
    if let field = UsageField(name) { return .tokens(field) }
    return switch name.count {
    case 20 where name.isText("input_tokens_details"): .promptDetails
    case 21 where name.isText("prompt_tokens_details"): .promptDetails
    case 21 where name.isText("output_tokens_details"): .completionDetails
    case 25 where name.isText("completion_tokens_details"): .completionDetails
    default: .ignored
    }
  }

  private static func ofChoice(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.isText("text"): .text
    case 5 where name.isText("delta"): .message
    case 7 where name.isText("message"): .message
    case 13 where name.isText("finish_reason"): .finish
    default: .ignored
    }
  }

  private static func ofMessage(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 7 where name.isText("content"): .blocks
    case 7 where name.isText("refusal"): .text
    case 9 where name.isText("reasoning"): .reasoning
    case 10 where name.isText("tool_calls"): .toolCalls
    case 13 where name.isText("function_call"): .function
    case 17 where name.isText("reasoning_content"): .reasoningContent
    default: .ignored
    }
  }

  private static func ofToolCall(_ name: Span<UInt8>) -> Self {
    name.isText("function") || name.isText("custom") ? .function : .ignored
  }

  private static func ofResponse(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 5 where name.isText("usage"): .usage
    case 5 where name.isText("error"): .error
    case 6 where name.isText("status"): .status
    default: .ignored
    }
  }

  private static func ofBlock(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.isText("text") || name.isText("name"): .text
    case 7 where name.isText("refusal"): .text
    case 8 where name.isText("thinking"): .text
    case 11 where name.isText("stop_reason"): .finish
    case 12 where name.isText("partial_json"): .text
    default: .ignored
    }
  }

  private static func ofOutputItem(_ name: Span<UInt8>) -> Self {
    switch name.count {
    case 4 where name.isText("name"): .text
    case 5 where name.isText("input"): .text
    case 7 where name.isText("content") || name.isText("summary"): .blocks
    case 9 where name.isText("arguments"): .text
    default: .ignored
    }
  }
}
