import Bytes
import Ledger
import Terms

/// A ledger record as one line for people.
enum RecordText {
  /// Time, number and type, then what the record says.
  static func line(of record: LedgerRecord) -> String {
    let time = String(decoding: UTCTime.text(record.timeMs), as: UTF8.self)
    let parts = ["\(time) \(record.seq) \(record.type)"] + details(record.body)
    return parts.joined(separator: " ") + (record.isCarried ? " carried" : "")
  }

  private static func details(_ body: LedgerRecord.Body) -> [String] {
    switch body {
    case .admission(let admission):
      return [admission.decision.rawValue, admission.requestID]
        + pairs([
          ("tenant", admission.tenant), ("subject", admission.subject),
          ("route", admission.route), ("model", admission.model),
          ("model_route", admission.modelRoute), ("reason", admission.reason),
          ("limit", admission.limit), ("status", admission.httpStatus.map(String.init)),
        ])
    case .completion(let completion):
      return [completion.endReason.rawValue, completion.requestID]
        + pairs([
          ("tenant", completion.tenant), ("subject", completion.subject),
          ("model_route", completion.modelRoute),
          ("status", completion.httpStatus.map(String.init)),
          ("latency_ms", completion.latencyMs.map(String.init)),
          ("prompt", completion.promptTokens.map(String.init)),
          ("completion", completion.completionTokens.map(String.init)),
          ("usage", completion.usageSource.rawValue),
          ("usd", completion.costNanodollars.map(Dollars.text)),
          ("origin", completion.origin?.rawValue),
          ("dropped", completion.droppedReason?.rawValue),
        ])
    case .denials(let denials):
      return pairs([
        ("count", String(denials.count)), ("tenant", denials.tenant), ("reason", denials.reason),
        ("since", UTCTime.string(denials.sinceMs)),
      ])
    case .start(let event), .reload(let event), .stop(let event):
      return pairs([
        ("policy", event.policy), ("version", event.version), ("ledger_id", event.identity?.id),
        ("start_number", event.identity.map { String($0.start) }),
      ])
    case .checkpoint(let checkpoint):
      return ["counters=\(checkpoint.counters.count)", "open=\(checkpoint.open.count)"]
    case .store(let event):
      let partitions = event.partitions.map(String.init).joined(separator: ",")
      return [event.kind.rawValue, "partitions=" + (partitions.isEmpty ? "all" : partitions)]
        + event.by.map { "by=\($0.text)" } + event.missing.map { "missing=\($0.text)" }
        + (event.bound?.texts ?? []).map { "bound=\($0)" } + (event.isFirst ? ["first"] : [])
    case .clock(let jump):
      return pairs([("from", jump.fromMs.map { UTCTime.string($0) })]) + ["jump_ms=\(jump.jumpMs)"]
    case .threshold(let threshold):
      let amount = { (amount: Int64) in
        threshold.kind == .usd ? Dollars.text(amount) : String(amount)
      }
      return pairs([
        ("tenant", threshold.tenant), ("group", threshold.group), ("limit", threshold.limit),
        ("share", threshold.share.description), ("kind", threshold.kind.rawValue),
        ("used", amount(threshold.used)), ("amount", amount(threshold.amount)),
        ("window_end", UTCTime.string(threshold.windowEndMs)),
      ])
    case .drop(let drop):
      return pairs([("target", drop.target), ("reason", drop.reason?.rawValue)])
        + ["first_seq=\(drop.firstSeq)", "last_seq=\(drop.lastSeq)"]
    case .restore(let restore):
      return ["first_seq=\(restore.firstSeq)", "last_seq=\(restore.lastSeq)"]
    case .revoke(let revocation):
      return pairs([
        ("tenant", revocation.tenant), ("key_id", revocation.keyID),
        ("undone", revocation.isUndone ? "true" : nil),
      ])
    case .repair(let repair): return ["\(repair.file):\(repair.offset)", repair.damage]
    }
  }

  /// `name=value` for each value that there is, quoted where blanks or control characters in it
  /// could be taken for the next one.
  private static func pairs(_ pairs: [(String, String?)]) -> [String] {
    pairs.compactMap { name, value in
      guard let value else { return nil }
      let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 }
      return "\(name)=" + (isPlain ? value : value.debugDescription)
    }
  }
}
