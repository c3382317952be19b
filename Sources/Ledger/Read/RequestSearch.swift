/// Finds the records of one request by an id that its caller has: ours (`x-ai-request-id`,
/// `request-id`), or Envoy's (`x-request-id`). Reads the records in their order.
package struct RequestSearch {
  /// Of how many requests with the same id of Envoy's all records are found.
  package static let sameIDMax = 1000
  /// How many `denials` records are kept for an id that stands nowhere.
  package static let nearbyMax = 100

  private let id: String
  /// The second in which our id was made; nil for Envoy's, which has no time in it.
  private let secondMs: Int64?
  /// Our ids of the requests that had Envoy's.
  private var ours: Set<String> = []
  private var ofSecond: [Found] = []
  private var ofNextSecond: [Found] = []

  /// A record and its line.
  package typealias Found = (line: [UInt8], record: LedgerRecord)

  /// - Parameter madeMs: the time in our id, in Unix milliseconds; nil for another id.
  package init(id: String, madeMs: Int64?) {
    self.id = id
    secondMs = madeMs.map { $0 - $0 % 1000 }
  }

  /// Whether the record is one of the request's.
  package mutating func matches(_ record: LedgerRecord) -> Bool {
    switch record.body {
    case .admission(let admission): return has(admission.value)
    case .completion(let completion):
      let requestID = completion.value.requestID
      return requestID == id || ours.contains(requestID)
    case .denials(let denials): return denials.requestIDs.contains(id)
    case .checkpoint(let checkpoint):
      // The segment of its admission may be gone.
      for exchange in checkpoint.open { _ = has(exchange.admission) }
      return false
    case .start, .reload, .clock, .repair, .stop, .store, .threshold, .drop, .restore, .revoke:
      return false
    }
  }

  private mutating func has(_ admission: Admission) -> Bool {
    if admission.requestID == id { return true }
    guard admission.envoyRequestID == id else { return false }
    if ours.count < Self.sameIDMax { ours.insert(admission.requestID) }
    return true
  }

  /// Keeps a record that is not the request's, where the request may be among those that it only
  /// counts.
  package mutating func keep(_ record: LedgerRecord, line: [UInt8]) {
    guard let secondMs, case .denials(let denials) = record.body else { return }
    if denials.sinceMs == secondMs, ofSecond.count < Self.nearbyMax {
      ofSecond.append((line, record))
    } else if denials.sinceMs - 1000 == secondMs, ofNextSecond.count < Self.nearbyMax {
      ofNextSecond.append((line, record))
    }
  }

  /// For an id that stands nowhere: the `denials` records of the second in which it was made. Where
  /// there is none, those of the next, because a request is refused a little after it got its id.
  package var nearby: [Found] { ofSecond.isEmpty ? ofNextSecond : ofSecond }
}
