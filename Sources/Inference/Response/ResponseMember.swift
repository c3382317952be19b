import Bytes

/// The objects and arrays of a response that are read; all others are skipped.
enum ResponsePlace: UInt8 {
  case root = 1
  case usage, promptDetails, completionDetails, cacheCreation, billedUnits, countedTokens
  case serverTools, promptKinds, completionKinds, promptKind, completionKind, made, madeOne
  case choices, choice, message, toolCalls, toolCall, function, audio
  case reasoningDetails, reasoningDetail
  case envelope, response, wrapper, delta, block, blocks, parts, outputItems, outputItem

  var isArray: Bool {
    switch self {
    case .choices, .toolCalls, .blocks, .outputItems, .reasoningDetails, .promptKinds,
      .completionKinds, .made:
      true
    case .root, .usage, .promptDetails, .completionDetails, .cacheCreation, .billedUnits,
      .countedTokens, .serverTools, .promptKind, .completionKind, .madeOne, .choice, .message,
      .toolCall, .function, .audio, .reasoningDetail, .envelope, .response, .wrapper, .delta,
      .block,
      .parts, .outputItem:
      false
    }
  }
}

/// What a member of such an object means to the meter. The name counts only in its place: a `usage`
/// inside any other object, or in a string, is ignored.
enum ResponseMember: Equatable {
  case ignored
  case usage, promptDetails, completionDetails, cacheCreation, billedUnits, countedTokens
  case serverTools, promptKinds, completionKinds
  case tokens(UsageField)
  /// The kind of content that a count is for, and the count.
  case modality, modalityCount
  /// What was made (pictures); that it is there is all that counts.
  case made, madeOne
  case choices, message, toolCalls, toolCall, function, audio, reasoningDetails
  case envelope, response, wrapper, delta, block, blocks, parts, outputItems
  /// Text, where it is a string; `output` is what the model wrote in any form.
  case text, output
  case reasoning, reasoningContent, reasoningDetail, media, logprobs
  /// A member of a message that is not known: text of the model's may be in it.
  case unknown
  case kind, itemKind, object, finish, status, tier, speed, region, error

  /// What a member of this name is in this place. `isEvent`: the text is an event of a stream, not a
  /// whole body.
  init(_ name: Span<UInt8>, in place: ResponsePlace, isEvent: Bool) {
    switch place {
    case .root: self = isEvent ? Self.ofEvent(name) : Self.ofBody(name)
    case .usage: self = Self.ofUsage(name)
    case .promptDetails: self = UsageField(promptDetail: name).map { .tokens($0) } ?? .ignored
    case .completionDetails:
      self = UsageField(completionDetail: name).map { .tokens($0) } ?? .ignored
    case .cacheCreation: self = UsageField(cacheCreation: name).map { .tokens($0) } ?? .ignored
    case .billedUnits: self = UsageField(billed: name).map { .tokens($0) } ?? .ignored
    case .serverTools: self = UsageField(serverTool: name).map { .tokens($0) } ?? .ignored
    case .promptKind, .completionKind: self = Self.ofKind(name)
    case .madeOne: self = Self.ofMade(name)
    case .countedTokens: self = UsageField(name).map { .tokens($0) } ?? .ignored
    case .choice: self = Self.ofChoice(name)
    case .message: self = Self.ofMessage(name)
    case .toolCall: self = Self.ofToolCall(name)
    case .function: self = Self.ofFunction(name)
    case .audio: self = Self.ofAudio(name)
    case .reasoningDetail: self = Self.ofReasoningDetail(name)
    case .envelope: self = Self.ofEnvelope(name)
    case .response: self = Self.ofResponse(name)
    case .wrapper: self = Self.ofWrapper(name)
    case .delta: self = Self.ofDelta(name)
    case .block: self = Self.ofBlock(name)
    case .parts: self = name.elementsEqual("parts") ? .blocks : .ignored
    case .outputItem: self = Self.ofOutputItem(name)
    case .choices, .toolCalls, .blocks, .outputItems, .reasoningDetails, .promptKinds,
      .completionKinds, .made:
      self = .ignored
    }
  }

  /// What an element of an array is.
  init(elementOf place: ResponsePlace) {
    switch place {
    case .choices: self = .choices
    case .toolCalls: self = .toolCall
    case .blocks: self = .block
    case .outputItems: self = .outputItems
    case .reasoningDetails: self = .reasoningDetails
    case .promptKinds: self = .promptKinds
    case .completionKinds: self = .completionKinds
    case .made: self = .made
    case .root, .usage, .promptDetails, .completionDetails, .cacheCreation, .billedUnits,
      .countedTokens, .serverTools, .promptKind, .completionKind, .madeOne, .choice, .message,
      .toolCall, .function, .audio, .reasoningDetail, .envelope, .response, .wrapper, .delta,
      .block,
      .parts, .outputItem:
      self = .ignored
    }
  }

  /// The place that an object or array in this member is; nil where it is skipped.
  func place(isArray: Bool, in outer: ResponsePlace) -> ResponsePlace? {
    switch self {
    case .usage: isArray ? nil : .usage
    case .promptDetails: isArray ? nil : .promptDetails
    case .completionDetails: isArray ? nil : .completionDetails
    case .cacheCreation: isArray ? nil : .cacheCreation
    case .billedUnits: isArray ? nil : .billedUnits
    case .countedTokens: isArray ? nil : .countedTokens
    case .serverTools: isArray ? nil : .serverTools
    case .promptKinds:
      outer == .promptKinds ? (isArray ? nil : .promptKind) : (isArray ? .promptKinds : nil)
    case .completionKinds:
      outer == .completionKinds
        ? (isArray ? nil : .completionKind) : (isArray ? .completionKinds : nil)
    case .made: outer == .made ? (isArray ? nil : .madeOne) : (isArray ? .made : nil)
    case .choices: outer == .choices ? (isArray ? nil : .choice) : (isArray ? .choices : nil)
    case .message: isArray ? nil : .message
    case .toolCalls: isArray ? .toolCalls : nil
    case .toolCall: isArray ? nil : .toolCall
    case .function: isArray ? nil : .function
    case .audio: isArray ? nil : .audio
    case .envelope: isArray ? nil : .envelope
    case .response: isArray ? nil : .response
    case .wrapper: isArray ? nil : .wrapper
    case .delta: isArray ? nil : .delta
    case .block: isArray ? nil : .block
    case .blocks: isArray ? .blocks : .block
    case .parts: isArray ? nil : .parts
    case .outputItems:
      outer == .outputItems ? (isArray ? nil : .outputItem) : (isArray ? .outputItems : nil)
    case .reasoningDetails:
      outer == .reasoningDetails
        ? (isArray ? nil : .reasoningDetail) : (isArray ? .reasoningDetails : nil)
    case .ignored, .tokens, .text, .output, .reasoning, .reasoningContent, .reasoningDetail,
      .media, .logprobs, .unknown, .kind, .itemKind, .object, .finish, .status, .tier, .speed,
      .region, .modality, .modalityCount, .madeOne, .error:
      nil
    }
  }

  /// What a string in this member is for.
  var stringRole: ResponseScanner.Role {
    switch self {
    case .text, .output, .blocks, .block, .response: .content
    case .reasoning: .reasoning
    case .reasoningContent: .reasoningContent
    case .reasoningDetail: .reasoningDetail
    case .media: .media
    case .unknown: .unknown
    case .delta: .delta
    case .kind: .kind
    case .object: .object
    case .finish: .finish
    case .status: .status
    case .tier: .tier
    case .speed: .speed
    case .region: .region
    case .itemKind: .itemKind
    case .modality: .modality
    case .error: .error
    case .tokens, .modalityCount: .count
    case .ignored, .usage, .promptDetails, .completionDetails, .cacheCreation, .billedUnits,
      .countedTokens, .choices, .message, .toolCalls, .toolCall, .function, .audio,
      .reasoningDetails, .envelope, .wrapper, .parts, .outputItems, .logprobs, .serverTools,
      .promptKinds, .completionKinds, .made, .madeOne:
      .ignored
    }
  }

  /// What the bytes of an object or array in this member are for, which is skipped.
  var skippedRole: ResponseScanner.Role {
    switch self {
    case .output: .content
    case .reasoning: .reasoning
    case .reasoningContent: .reasoningContent
    case .logprobs: .logprobs
    case .ignored, .usage, .promptDetails, .completionDetails, .cacheCreation, .billedUnits,
      .countedTokens, .tokens, .choices, .message, .toolCalls, .toolCall, .function, .audio,
      .reasoningDetails, .reasoningDetail, .envelope, .response, .wrapper, .delta, .block, .blocks,
      .parts, .outputItems, .text, .media, .unknown, .kind, .itemKind, .object, .finish, .status,
      .tier, .speed, .region, .serverTools, .promptKinds, .completionKinds, .modality,
      .modalityCount, .made, .madeOne, .error:
      .ignored
    }
  }
}
