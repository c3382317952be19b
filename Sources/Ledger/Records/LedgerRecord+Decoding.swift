import Bytes
import Terms

/// Reads records from their JSON lines.
extension LedgerRecord {
  /// Reads a whole line without its newline. The hash must be there but is not checked: see
  /// `Chain`.
  package init(line: [UInt8]) throws(RecordProblem) {
    var fields = try FieldReader(try LedgerFormat.json(line), "record")
    let type = try fields.text("type")
    seq = try fields.integer("seq")
    timeMs = try fields.time("timestamp")
    switch fields.takeIfPresent("carried") {
    case nil: isCarried = false
    case .bool(true): isCarried = true
    default: throw .wrongValue("carried")
    }
    switch type {
    case "admission": body = .admission(try Admission(&fields))
    case "completion": body = .completion(try Completion(&fields))
    case "checkpoint": body = .checkpoint(try Checkpoint(&fields))
    case "denials":
      body = .denials(
        Denials(
          tenant: try fields.optionalText("tenant"), reason: try fields.text("reason"),
          count: try fields.integer("count"), sinceMs: try fields.time("since"),
          requestIDs: try fields.textsWherePresent("request_ids")))
    case "start":
      try fields.format()
      body = .start(try ProcessEvent(&fields))
    case "reload": body = .reload(try ProcessEvent(&fields))
    case "stop": body = .stop(try ProcessEvent(&fields))
    case "clock":
      body = .clock(
        ClockJump(
          fromMs: try fields.timeWherePresent("from"), wallMs: try fields.time("wall"),
          jumpMs: try fields.integer("jump_ms")))
    case "repair":
      body = .repair(
        Repair(
          file: try fields.text("file"), offset: try fields.integer("offset"),
          damage: try fields.text("damage"), lastGoodSeq: try fields.integer("last_good_seq")))
    case "store": body = .store(try StoreEvent(&fields))
    case "threshold": body = .threshold(try Threshold(&fields))
    case "drop": body = .drop(try Drop(&fields))
    case "restore":
      body = .restore(
        Restore(
          firstSeq: try fields.integer("first_seq"), lastSeq: try fields.integer("last_seq")))
    case "revoke": body = .revoke(try Revocation(&fields))
    default: throw .unknownType
    }
    _ = try fields.digest("hash")
    try fields.finish()
  }
}

extension Admission {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    tenant = try fields.optionalText("tenant")
    // Older ledgers have admissions without this field.
    group = try fields.textWherePresent("group")
    subject = try fields.optionalText("subject")
    keyID = try fields.optionalText("key_id")
    hostname = try fields.optionalText("hostname")
    method = try fields.optionalText("method")
    route = try fields.optionalText("route")
    model = try fields.optionalText("model")
    modelRoute = try fields.optionalText("model_route")
    trafficClass = try fields.optionalText("class")
    // Older ledgers lack these two.
    operation = try fields.wordWherePresent("operation")
    provider = try fields.textWherePresent("provider")
    stream = try fields.optionalBool("stream")
    decision = try fields.word("decision")
    reason = try fields.optionalText("reason")
    httpStatus = try fields.optionalInteger("http_status")
    limit = try fields.optionalText("limit")
    requestID = try fields.text("request_id")
    shadowLimits = try fields.textsWherePresent("shadow_limits")
    reserved = try fields.charges("reserved")
    estimatedPromptTokens = try fields.optionalInteger("estimated_prompt_tokens")
    reservedCompletionTokens = try fields.optionalInteger("reserved_completion_tokens")
    source = try fields.optionalText("source")
    envoyRequestID = try fields.optionalText("envoy_request_id")
    // Older ledgers have admissions without this field.
    traceparent = try fields.textWherePresent("traceparent")
    policy = try fields.text("policy")
    guard try fields.take("sensitive_payload_logged") == .bool(false) else {
      throw .wrongValue("sensitive_payload_logged")
    }
  }
}

extension Completion {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    requestID = try fields.text("request_id")
    tenant = try fields.optionalText("tenant")
    subject = try fields.optionalText("subject")
    hostname = try fields.optionalText("hostname")
    route = try fields.optionalText("route")
    model = try fields.optionalText("model")
    modelRoute = try fields.optionalText("model_route")
    trafficClass = try fields.optionalText("class")
    // Older ledgers lack these two.
    operation = try fields.wordWherePresent("operation")
    provider = try fields.textWherePresent("provider")
    stream = try fields.optionalBool("stream")
    httpStatus = try fields.optionalInteger("http_status")
    latencyMs = try fields.optionalInteger("latency_ms")
    ttftMs = try fields.optionalInteger("ttft_ms")
    promptTokens = try fields.optionalInteger("prompt_tokens")
    cachedPromptTokens = try fields.optionalInteger("cached_prompt_tokens")
    cacheWritePromptTokens = try fields.optionalInteger("cache_write_prompt_tokens")
    // Older ledgers have completions without this field, and without the two below.
    cacheWrite1hPromptTokens = try fields.integerWherePresent("cache_write_1h_prompt_tokens")
    completionTokens = try fields.optionalInteger("completion_tokens")
    reasoningTokens = try fields.optionalInteger("reasoning_tokens")
    totalTokens = try fields.optionalInteger("total_tokens")
    units = try UsageUnits(fields.takeIfPresent("units"))
    tier = try fields.wordWherePresent("tier")
    usageSource = try fields.word("usage_source")
    costNanodollars = try fields.optionalDollars("estimated_cost_usd")
    costParts = try CostParts(wherePresent: &fields)
    gatewayBackend = try fields.optionalText("gateway_backend")
    endReason = try fields.word("end_reason")
    finishReason = try fields.wordWherePresent("finish_reason")
    origin = try fields.optionalWord("origin")
    droppedReason = try fields.wordWherePresent("dropped_reason")
    traceparent = try fields.optionalText("traceparent")
    disputed = try DisputedUsage(wherePresent: &fields)
    charged = try fields.charges("charged")
  }
}

extension CostParts {
  /// Nil where the completion has none.
  fileprivate init?(wherePresent fields: inout FieldReader) throws(RecordProblem) {
    guard let value = fields.takeIfPresent("cost_parts"), value != .null else { return nil }
    self.init()
    var members = try FieldReader(value, "cost_parts")
    for kind in TokenKind.allCases {
      if let count = try members.integerWherePresent(kind.rawValue) { tokens[kind] = count }
    }
    tier = try members.wordWherePresent("tier")
    region = try members.wordWherePresent("region")
    isAbove = try members.boolWherePresent("above") ?? false
    for word in try members.textsWherePresent("unpriced") {
      guard let what = Unpriced(rawValue: word) else { throw .wrongValue("unpriced") }
      unpriced.append(what)
    }
    revision = try members.text("prices")
    try members.finish()
  }
}

extension DisputedUsage {
  /// Nil where the completion has none.
  fileprivate init?(wherePresent fields: inout FieldReader) throws(RecordProblem) {
    guard let value = fields.takeIfPresent("disputed"), value != .null else { return nil }
    var members = try FieldReader(value, "disputed")
    promptTokens = try members.integer("prompt_tokens")
    completionTokens = try members.integer("completion_tokens")
    try members.finish()
  }
}

extension Checkpoint {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    format = try fields.format()
    previousHash = try fields.digest("previous_hash")
    identity = try fields.identityWherePresent()
    clockSinceMs = try fields.timeWherePresent("clock_since")
    var counters: [CounterState] = []
    for element in try fields.array("counters") { counters.append(try CounterState(element)) }
    self.counters = counters
    var open: [OpenExchange] = []
    for element in try fields.array("open") {
      var members = try FieldReader(element, "open")
      open.append(
        OpenExchange(
          seq: try members.integer("seq"), timeMs: try members.time("timestamp"),
          admission: try Admission(&members)))
      try members.finish()
    }
    self.open = open
    estimates =
      format >= LedgerFormat.withEstimates
      ? try ModelEstimate.list(try fields.array("estimates")) : []
    totals = try DayTotals(wherePresent: &fields)
    for element in try fields.arrayWherePresent("revoked") {
      var members = try FieldReader(element, "revoked")
      revoked.append(try Revocation(&members))
      try members.finish()
    }
  }
}

extension ModelEstimate {
  fileprivate static func list(_ elements: [JSONValue]) throws(RecordProblem) -> [ModelEstimate] {
    var estimates: [ModelEstimate] = []
    for element in elements {
      var members = try FieldReader(element, "estimates")
      estimates.append(
        ModelEstimate(
          tenant: try members.textWherePresent("tenant"), model: try members.text("model"),
          state: try members.integers("state")))
      try members.finish()
    }
    return estimates
  }
}

extension CounterState {
  fileprivate init(_ value: JSONValue) throws(RecordProblem) {
    var members = try FieldReader(value, "counters")
    let counter = try members.text("counter")
    let kind = try members.word("kind", LimitKind.self)
    var fields: [Field] = []
    for member in members.takeRest() {
      guard case .number(let text) = member.value, let value = Int64(text) else {
        throw .wrongValue(member.name)
      }
      fields.append(Field(member.name, value))
    }
    self.init(counter: counter, kind: kind, fields: fields)
  }
}

extension UsageUnits {
  fileprivate init(_ value: JSONValue?) throws(RecordProblem) {
    self.init()
    guard let value, value != .null else { return }
    var members = try FieldReader(value, "units")
    for unit in Unit.allCases {
      guard let amount = members.takeIfPresent(unit.rawValue) else { continue }
      guard case .number(let text) = amount, let thousandths = Self.thousandths(text) else {
        throw .wrongValue(unit.rawValue)
      }
      self[unit] = thousandths
    }
    try members.finish()
  }
}

extension ProcessEvent {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    policy = try fields.text("policy")
    version = try fields.text("version")
    identity = try fields.identityWherePresent()
    estimates = try ModelEstimate.list(try fields.arrayWherePresent("estimates"))
  }
}

extension Threshold {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    tenant = try fields.optionalText("tenant")
    group = try fields.optionalText("group")
    limit = try fields.text("limit")
    counter = try fields.text("counter")
    kind = try fields.word("kind")
    guard case .number(let text) = try fields.take("share"), let share = WarningShare(text) else {
      throw .wrongValue("share")
    }
    self.share = share
    used = try Self.amount("used", kind, &fields)
    amount = try Self.amount("amount", kind, &fields)
    windowStartMs = try fields.integer("window")
    windowEndMs = try fields.time("window_end")
  }

  private static func amount(
    _ name: String, _ kind: LimitKind, _ fields: inout FieldReader
  ) throws(RecordProblem) -> Int64 {
    guard kind == .usd else { return try fields.integer(name) }
    guard let dollars = try fields.optionalDollars(name) else { throw .wrongValue(name) }
    return dollars
  }
}

extension Drop {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    target = try fields.optionalText("target")
    reason = try fields.wordWherePresent("reason")
    firstSeq = try fields.integer("first_seq")
    lastSeq = try fields.integer("last_seq")
    guard (target == nil) != (reason == nil) else { throw .wrongValue("target") }
  }
}

extension Revocation {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    tenant = try fields.text("tenant")
    keyID = try fields.text("key_id")
    keyHash = try fields.digest("key_hash")
    isUndone = try fields.boolWherePresent("undone") ?? false
  }
}

extension StoreEvent {
  init(_ fields: inout FieldReader) throws(RecordProblem) {
    kind = try fields.word("event")
    partitions = try fields.integersWherePresent("partitions")
    by = try Self.identities(&fields, "by")
    missing = try Self.identities(&fields, "missing")
    bound = try Self.amounts(&fields, "bound")
    isFirst = try fields.boolWherePresent("first") ?? false
  }

  private static func amounts(
    _ fields: inout FieldReader, _ name: String
  ) throws(RecordProblem) -> StoreAmounts? {
    guard let texts = try fields.textsIfPresent(name) else { return nil }
    guard let amounts = StoreAmounts(texts: texts) else { throw .wrongValue(name) }
    return amounts
  }

  private static func identities(
    _ fields: inout FieldReader, _ name: String
  ) throws(RecordProblem) -> [LedgerIdentity] {
    var identities: [LedgerIdentity] = []
    for text in try fields.textsWherePresent(name) {
      guard let identity = LedgerIdentity(text: text) else { throw .wrongValue(name) }
      identities.append(identity)
    }
    return identities
  }
}

extension FieldReader {
  /// The ledger's id and the number of a start; nil where neither is there, as in older ledgers.
  fileprivate mutating func identityWherePresent() throws(RecordProblem) -> LedgerIdentity? {
    guard let id = try textWherePresent("ledger_id") else { return nil }
    let identity = LedgerIdentity(id: id, start: try integer("start_number"))
    guard identity.isWellFormed else { throw .wrongValue("ledger_id") }
    return identity
  }

  /// The ledger's format number; throws where this version does not know it.
  @discardableResult
  mutating func format() throws(RecordProblem) -> Int64 {
    let format = try integer("format")
    guard format <= LedgerFormat.number else { throw .newerFormat(format) }
    guard format >= 1 else { throw .wrongValue("format") }
    return format
  }

  mutating func charges(_ name: String) throws(RecordProblem) -> [Charge] {
    var charges: [Charge] = []
    for element in try array(name) {
      var members = try FieldReader(element, name)
      let counter = try members.text("counter")
      let amount = try members.integer("amount")
      var window: Int64?
      if let value = members.takeIfPresent("window") {
        guard case .number(let text) = value, let start = Int64(text) else {
          throw .wrongValue("window")
        }
        window = start
      }
      try members.finish()
      charges.append(Charge(counter: counter, amount: amount, window: window))
    }
    return charges
  }
}
