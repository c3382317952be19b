import Quota
import StoreModel

/// What the model keeps, as the fields that the store is to have.
enum KeptState {
  static func fields(of counter: CounterModel) -> [String: String] {
    var fields: [String: Any] = [
      "sum": counter.sum, "holders": counter.holders.count, "short": counter.shortMs,
    ]
    switch counter.kind {
    case .budget(let start, let end):
      fields["kind"] = "budget"
      fields["settled"] = counter.settled
      fields["gone"] = counter.gone
      fields["start"] = start
      fields["end"] = end
      fields["opening"] = counter.openingMs
      fields["generation"] = counter.generation
    case .bucket:
      fields["kind"] = "bucket"
      fields["swept"] = counter.sweptMs
      fields["unspent"] = counter.unspent
      fields["amount"] = counter.amount
      fields["period"] = counter.period
      fields["time"] = counter.refilledMs
      fields["rest"] = counter.rest
    case .slots:
      fields["kind"] = "slots"
      fields["swept"] = counter.sweptMs
    }
    for (ledger, share) in counter.holders {
      let digits = String(share.nonce, radix: 16)
      let nonce = String(repeating: "0", count: 8 - digits.count) + digits
      let common = "\(share.start) \(share.number) \(nonce) \(share.hold) \(share.unspent)"
      if case .budget = counter.kind {
        fields[ledger] = "\(common) \(share.settled) \(share.generation)"
      } else {
        fields[ledger] = "\(common) \(share.heardMs)"
      }
    }
    return fields.mapValues { "\($0)" }
  }

  static func fields(of marker: PartitionModel.Marker?) -> [String: String] {
    guard let marker else { return [:] }
    return [
      "run": marker.runID, "history": marker.history, "opening": "\(marker.openingMs)",
      "renewed": "\(marker.renewedMs)",
    ]
  }

  static func fields(of opening: PartitionModel.Opening?) -> [String: String] {
    guard let opening else { return [:] }
    let missing = opening.expected.subtracting(opening.claimed)
    var fields = [
      "run": opening.runID, "history": opening.history, "since": "\(opening.sinceMs)",
      "informed": opening.isInformed ? "1" : "0", "claimed": "\(opening.claimed.count)",
      "expected": "\(opening.claimed.union(opening.expected).count)",
      "missing": "\(missing.count)",
    ]
    for ledger in opening.claimed { fields[ledger] = "claimed" }
    for ledger in missing { fields[ledger] = "expected" }
    return fields
  }
}
