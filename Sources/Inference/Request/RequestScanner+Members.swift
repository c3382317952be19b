import Bytes

// The inspected members: which key is one, and which values it may have.

extension RequestScanner {
  /// The kinds of value (RFC 8259, 3).
  enum Kind { case string, number, object, array, bool, null }

  /// The largest output bound, 2³¹ tokens, and the largest `n` or `best_of`.
  package static let boundMax = 1 << 31
  package static let choicesMax = 128

  /// Records a problem with an inspected member; only the first one is kept.
  private mutating func refuse(_ problem: BodyProblem) {
    if objection == nil { objection = problem }
  }

  /// Ends the key of a member of the top level or of `stream_options`; its value is read if the key is
  /// an inspected one.
  mutating func endKey() {
    guard let key = string.name.key(inStreamOptions: isInStreamOptions) else { return }
    let bit = UInt16(1) << UInt16(key.rawValue)
    if keysSeen & bit != 0 || !string.name.isExact {
      refuse(.duplicateKey(key))
    }
    keysSeen |= bit
    target = key
  }

  /// Begins the value of the inspected member and refuses it if it is of the wrong type.
  mutating func judge(_ kind: Kind, at offset: Int) {
    guard let key = target else { return }
    let fits: Bool
    switch key {
    case .model: fits = kind == .string
    case .stream, .includeUsage, .continuousUsageStats: fits = kind == .bool
    case .streamOptions: fits = kind == .object
    case .maxTokens, .maxCompletionTokens, .maxOutputTokens, .n, .bestOf: fits = kind == .number
    }
    guard fits || kind == .null else {
      refuse(.invalidValue(key))
      target = nil
      return
    }
    valueStart = offset
    if kind == .object {
      isInStreamOptions = true
      streamOptionsStart = offset
      facts.streamOptionsIsObject = true
      target = nil
    } else if kind == .string {
      string.role = .model
      model = []
      modelIsValid = true
    }
  }

  /// Ends a value of the inspected member that is `true`, `false` or null.
  mutating func settle(literal: Literal, end: Int) {
    let range = valueStart..<end
    switch target {
    case .model: facts.modelRange = range
    case .stream:
      facts.stream = literal.bool
      facts.streamRange = range
    case .streamOptions: facts.streamOptionsRange = range
    case .includeUsage:
      facts.includeUsage = literal.bool
      facts.includeUsageRange = range
    case .continuousUsageStats:
      facts.continuousUsageStats = literal.bool
      facts.continuousUsageStatsRange = range
    case .maxTokens, .maxCompletionTokens, .maxOutputTokens, .n, .bestOf, nil: break
    }
    target = nil
  }

  /// Ends a value of the inspected member that is a number.
  mutating func settleInteger() {
    guard let key = target else { return }
    target = nil
    let maximum = key == .n || key == .bestOf ? Self.choicesMax : Self.boundMax
    guard let value = integer.value(upTo: maximum) else { return refuse(.invalidValue(key)) }
    switch key {
    case .n: facts.n = value
    case .bestOf: facts.bestOf = value
    case .maxTokens, .maxCompletionTokens, .maxOutputTokens:
      facts.outputBound = max(facts.outputBound ?? 0, value)
    case .model, .stream, .streamOptions, .includeUsage, .continuousUsageStats: break
    }
  }

  /// Ends the value of `model`, whose closing quote is just before `end`.
  mutating func settleModel(end: Int) {
    target = nil
    guard modelIsValid, !model.isEmpty else { return refuse(.invalidValue(.model)) }
    facts.model = model
    facts.modelRange = valueStart..<end
  }

  /// Adds bytes to the model's name, as long as it is valid and within its limit.
  mutating func append(toModel run: Span<UInt8>) {
    guard modelIsValid, model.count + run.count <= limits.modelBytesMax else {
      modelIsValid = false
      return
    }
    for index in run.indices where run[index] == 0x7F { modelIsValid = false }
    model.append(run)
  }

  /// Adds a scalar to the model's name. Control characters (U+0000 to U+001F, DEL) and lone surrogates
  /// make the name invalid.
  mutating func append(toModel scalar: UInt32) {
    guard modelIsValid, scalar >= 0x20, scalar != 0x7F, let scalar = Unicode.Scalar(scalar) else {
      modelIsValid = false
      return
    }
    let bytes = UTF8.encode(scalar)
    guard let bytes, model.count + bytes.count <= limits.modelBytesMax else {
      modelIsValid = false
      return
    }
    model.append(contentsOf: bytes)
  }
}
