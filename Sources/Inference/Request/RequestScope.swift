/// What an object or array of a request body is, as far as it matters: in which objects keys are looked
/// at, and where pictures, sound and files are.
enum RequestScope: UInt8 {
  /// Anything else. All in it is text for the model.
  case none
  /// The whole body; two members that some servers take for a part of it; the options of a stream.
  case top, extraBody, parameters, streamOptions
  /// The object form of `conversation`.
  case conversation
  /// The list of messages (chat, Anthropic); the list of items (Responses); one of them.
  case messages, input, message, item
  /// A list of content parts, in a message or in a part (`tool_result`); one of them.
  case parts, part
  /// The objects of a part that hold a picture, sound or video, a file, or Anthropic's form of any.
  case picture, sound, file, source
  /// The list of prompts of a completion; a list of models' names. Each element is looked at.
  case prompts, names

  /// The deepest object or array that can have a scope; what is deeper has `.none`.
  static let depthMax = 16

  /// Whether keys count only in their exact spelling, and are unknown in any other.
  var wantsExactKeys: Bool {
    switch self {
    case .message, .part, .picture, .sound, .file, .source: true
    case .none, .top, .extraBody, .parameters, .streamOptions, .conversation, .messages, .input,
      .item, .parts, .prompts, .names:
      false
    }
  }

  /// Whether something is settled when it ends.
  @inline(__always)
  var hasEnd: Bool {
    switch self {
    case .streamOptions, .conversation, .item, .source, .prompts, .names: true
    case .none, .top, .extraBody, .parameters, .messages, .input, .message, .parts, .part,
      .picture, .sound, .file:
      false
    }
  }

  /// The scope of an object or array that is the element of an array of this scope.
  @inline(__always)
  func element(isObject: Bool) -> RequestScope {
    guard isObject else { return .none }
    switch self {
    case .messages: return .message
    case .input: return .item
    case .parts: return .part
    default: return .none
    }
  }

  /// The scope of a member's value for whose key this scope is expected, by the kind that it has.
  @inline(__always)
  func value(isObject: Bool) -> RequestScope {
    switch self {
    case .messages, .input, .prompts, .names: isObject ? .none : self
    // `output` of a computer call is one part.
    case .parts: isObject ? .part : .parts
    case .none: .none
    default: isObject ? self : .none
    }
  }
}
