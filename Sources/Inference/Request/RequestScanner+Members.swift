import Bytes

// The members that are inspected: which key is one, and what its value may be.

extension RequestScanner {
  /// The kinds of value (RFC 8259, 3).
  enum Kind { case string, number, object, array, bool, null }

  /// Integers are at most 2³¹; `n` and `best_of` at most 128.
  private static let boundMax = 1 << 31
  private static let choicesMax = 128

  /// Notes what is wrong with the body's members, if it is the first such thing.
  private mutating func refuse(_ problem: BodyProblem) {
    if objection == nil { objection = problem }
  }

  /// The key of a member of the top level or of `stream_options` has been read.
  mutating func endKey() {
    guard let key = string.name.key(inStreamOptions: isInStreamOptions) else { return }
    let bit = UInt16(1) << UInt16(key.rawValue)
    if keysSeen & bit != 0 || !string.name.isExact {
      refuse(.duplicateKey(key))
    }
    keysSeen |= bit
    target = key
  }

  /// The value of the target begins: is it of a kind that it may be?
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

  /// The value of the target was a literal.
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

  /// The value of the target was a number.
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

  /// The model's name has been read.
  mutating func settleModel(end: Int) {
    target = nil
    guard modelIsValid, !model.isEmpty else { return refuse(.invalidValue(.model)) }
    facts.model = model
    facts.modelRange = valueStart..<end
  }

  mutating func append(toModel run: Span<UInt8>) {
    guard modelIsValid, model.count + run.count <= limits.modelBytesMax else {
      modelIsValid = false
      return
    }
    for index in run.indices where run[index] == 0x7F { modelIsValid = false }
    model.append(run)
  }

  /// A scalar of the model's name: no control (U+0000 to U+001F, DEL), no lone surrogate.
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
