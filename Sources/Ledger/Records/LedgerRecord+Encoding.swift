import Bytes
import Terms

/// Writes records as JSON lines.
extension LedgerRecord {
  /// The record's line up to `,"hash"`: a JSON object that is not closed yet. `Chain.seal`
  /// completes it.
  package func encoded() -> [UInt8] {
    var line = JSONWriter(capacity: 2048)
    encode(into: &line)
    return line.bytes
  }

  /// Appends the same to other lines. `line`: room to write it in.
  func append(to lines: inout [UInt8], through line: inout JSONWriter) {
    line.reset()
    encode(into: &line)
    line.withBytes { lines.append($0) }
  }

  private func encode(into line: inout JSONWriter) {
    line.beginObject()
    line.field("type", type)
    line.field("seq", seq)
    line.field("timestamp", timeMs: timeMs)
    if isCarried { line.field("carried", true) }
    switch body {
    case .admission(let admission): admission.read { $0.encode(into: &line) }
    case .completion(let completion): completion.read { $0.encode(into: &line) }
    case .checkpoint(let checkpoint): checkpoint.encode(into: &line)
    case .denials(let denials):
      line.field("tenant", identifier: denials.tenant)
      line.field("reason", denials.reason)
      line.field("count", denials.count)
      line.field("since", timeMs: denials.sinceMs)
      if !denials.requestIDs.isEmpty { line.field("request_ids", denials.requestIDs) }
    case .start(let event):
      line.field("format", LedgerFormat.number)
      event.encode(into: &line)
    case .reload(let event), .stop(let event): event.encode(into: &line)
    case .clock(let jump):
      if let fromMs = jump.fromMs { line.field("from", timeMs: fromMs) }
      line.field("wall", timeMs: jump.wallMs)
      line.field("jump_ms", jump.jumpMs)
    case .repair(let repair):
      line.field("file", repair.file)
      line.field("offset", repair.offset)
      line.field("damage", repair.damage)
      line.field("last_good_seq", repair.lastGoodSeq)
    case .store(let event): event.encode(into: &line)
    case .threshold(let threshold): threshold.encode(into: &line)
    case .drop(let drop):
      line.field("target", cut: drop.target)
      if let reason = drop.reason { line.field("reason", reason.rawValue) }
      line.field("first_seq", drop.firstSeq)
      line.field("last_seq", drop.lastSeq)
    case .restore(let restore):
      line.field("first_seq", restore.firstSeq)
      line.field("last_seq", restore.lastSeq)
    case .revoke(let revocation):
      revocation.encode(into: &line)
      if revocation.isUndone { line.field("undone", true) }
    }
  }
}

extension Admission {
  func encode(into line: inout JSONWriter) {
    line.field("tenant", identifier: tenant)
    line.field("group", identifier: group)
    line.field("subject", cut: subject)
    line.field("key_id", identifier: keyID)
    line.field("hostname", cut: hostname)
    line.field("method", cut: method)
    line.field("route", cut: route)
    line.field("model", identifier: model)
    line.field("model_route", identifier: modelRoute)
    line.field("class", identifier: trafficClass)
    line.field("operation", identifier: operation?.rawValue)
    line.field("provider", identifier: provider)
    line.field("stream", stream)
    line.field("decision", decision.rawValue)
    line.field("reason", identifier: reason)
    line.field("http_status", httpStatus)
    line.field("limit", identifier: limit)
    line.field("request_id", requestID)
    if !shadowLimits.isEmpty { line.field("shadow_limits", shadowLimits) }
    line.charges("reserved", reserved)
    line.field("estimated_prompt_tokens", estimatedPromptTokens)
    line.field("reserved_completion_tokens", reservedCompletionTokens)
    line.field("source", cut: source)
    line.field("envoy_request_id", cut: envoyRequestID)
    line.field("traceparent", cut: traceparent)
    line.field("policy", policy)
    // States that the record has no prompt and no answer in it; it is always `false`.
    line.field("sensitive_payload_logged", false)
  }
}

extension Completion {
  func encode(into line: inout JSONWriter) {
    line.field("request_id", requestID)
    line.field("tenant", identifier: tenant)
    line.field("subject", cut: subject)
    line.field("hostname", cut: hostname)
    line.field("route", cut: route)
    line.field("model", identifier: model)
    line.field("model_route", identifier: modelRoute)
    line.field("class", identifier: trafficClass)
    line.field("operation", identifier: operation?.rawValue)
    line.field("provider", identifier: provider)
    line.field("stream", stream)
    line.field("http_status", httpStatus)
    line.field("latency_ms", latencyMs)
    line.field("ttft_ms", ttftMs)
    line.field("prompt_tokens", promptTokens)
    line.field("cached_prompt_tokens", cachedPromptTokens)
    line.field("cache_write_prompt_tokens", cacheWritePromptTokens)
    line.field("cache_write_1h_prompt_tokens", cacheWrite1hPromptTokens)
    line.field("completion_tokens", completionTokens)
    line.field("reasoning_tokens", reasoningTokens)
    line.field("total_tokens", totalTokens)
    line.field("units", units)
    line.field("tier", identifier: tier?.rawValue)
    line.field("usage_source", usageSource.rawValue)
    line.field("estimated_cost_usd", dollarsOf: costNanodollars)
    if let costParts { line.costParts(costParts) }
    line.field("gateway_backend", cut: gatewayBackend)
    line.field("end_reason", endReason.rawValue)
    line.field("finish_reason", identifier: finishReason?.rawValue)
    line.field("origin", identifier: origin?.rawValue)
    line.field("dropped_reason", identifier: droppedReason?.rawValue)
    line.field("traceparent", cut: traceparent)
    if let disputed {
      line.name("disputed")
      line.beginObject()
      line.field("prompt_tokens", disputed.promptTokens)
      line.field("completion_tokens", disputed.completionTokens)
      line.endObject()
    }
    line.charges("charged", charged)
  }
}

extension Checkpoint {
  func encode(into line: inout JSONWriter) {
    line.field("format", format)
    line.field("previous_hash", previousHash)
    line.identity(identity)
    if let clockSinceMs { line.field("clock_since", timeMs: clockSinceMs) }
    totals?.encodeSpan(into: &line)
    // Behind this there are lists only: who ships a checkpoint's other fields stops reading here.
    line.name("counters")
    line.beginArray()
    for counter in counters {
      line.beginObject()
      line.field("counter", counter.counter)
      line.field("kind", counter.kind.rawValue)
      for field in counter.fields { line.field(any: field.name, field.value) }
      line.endObject()
    }
    line.endArray()
    line.name("open")
    line.beginArray()
    for exchange in open {
      line.beginObject()
      line.field("seq", exchange.seq)
      line.field("timestamp", timeMs: exchange.timeMs)
      exchange.admission.encode(into: &line)
      line.endObject()
    }
    line.endArray()
    if format >= LedgerFormat.withEstimates { line.estimates(estimates) }
    totals?.encodeLists(into: &line)
    if !revoked.isEmpty {
      line.array("revoked") { line in
        for revocation in revoked { line.object { revocation.encode(into: &$0) } }
      }
    }
  }
}

extension Revocation {
  fileprivate func encode(into line: inout JSONWriter) {
    line.field("tenant", identifier: tenant)
    line.field("key_id", identifier: keyID)
    line.field("key_hash", keyHash)
  }
}

extension JSONWriter {
  fileprivate mutating func estimates(_ estimates: [ModelEstimate]) {
    array("estimates") { line in
      for estimate in estimates {
        line.object { line in
          if let tenant = estimate.tenant { line.field("tenant", identifier: tenant) }
          line.field("model", estimate.model)
          line.array("state") { line in
            for value in estimate.state { line.value(value) }
          }
        }
      }
    }
  }
}

extension ProcessEvent {
  func encode(into line: inout JSONWriter) {
    line.field("policy", policy)
    line.field("version", version)
    line.identity(identity)
    if !estimates.isEmpty { line.estimates(estimates) }
  }
}

extension Threshold {
  func encode(into line: inout JSONWriter) {
    line.field("tenant", identifier: tenant)
    line.field("group", identifier: group)
    line.field("limit", limit)
    line.field("counter", counter)
    line.field("kind", kind.rawValue)
    line.field("share", number: share.description)
    if kind == .usd {
      line.field("used", dollarsOf: used)
      line.field("amount", dollarsOf: amount)
    } else {
      line.field("used", used)
      line.field("amount", amount)
    }
    line.field("window", windowStartMs)
    line.field("window_end", timeMs: windowEndMs)
  }
}

extension StoreEvent {
  func encode(into line: inout JSONWriter) {
    line.field("event", kind.rawValue)
    if !partitions.isEmpty {
      line.array("partitions") { line in
        for partition in partitions { line.value(partition) }
      }
    }
    if !by.isEmpty { line.field("by", by.map(\.text)) }
    if !missing.isEmpty { line.field("missing", missing.map(\.text)) }
    if let bound { line.field("bound", bound.texts) }
    if isFirst { line.field("first", true) }
  }
}

extension JSONWriter {
  fileprivate mutating func identity(_ identity: LedgerIdentity?) {
    guard let identity else { return }
    field("ledger_id", identity.id)
    field("start_number", identity.start)
  }

  /// An object with the units that are known; `null` where none is.
  fileprivate mutating func field(_ name: StaticString, _ units: UsageUnits) {
    guard !units.isEmpty else { return field(name, number: nil) }
    object(name) { line in
      for unit in UsageUnits.Unit.allCases {
        if let amount = units[unit] {
          line.field(any: unit.rawValue, amount, places: UsageUnits.places)
        }
      }
    }
  }

  /// Only what is not 0 and not the standard.
  fileprivate mutating func costParts(_ parts: CostParts) {
    object("cost_parts") { line in
      for kind in TokenKind.allCases where parts.tokens[kind] != 0 {
        line.field(any: kind.rawValue, parts.tokens[kind])
      }
      if let tier = parts.tier { line.field("tier", tier.rawValue) }
      if let region = parts.region { line.field("region", region.rawValue) }
      if parts.isAbove { line.field("above", true) }
      if !parts.unpriced.isEmpty {
        line.array("unpriced") { line in
          for what in parts.unpriced { line.value(what.rawValue) }
        }
      }
      line.field("prices", parts.revision)
    }
  }

  mutating func charges(_ name: StaticString, _ charges: [Charge]) {
    self.name(name)
    beginArray()
    for charge in charges {
      beginObject()
      field("counter", charge.counter)
      field("amount", charge.amount)
      if let window = charge.window { field("window", window) }
      endObject()
    }
    endArray()
  }
}
