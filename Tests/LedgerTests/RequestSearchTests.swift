import Ledger
import Terms
import Testing

/// Finding a request's records by the ids that its caller has.
struct RequestSearchTests {
  static let envoys = "0b8e7a3e-6a57-4f0e-9d3c-0f6b2c1d4e5f"

  private func record(_ seq: Int64, _ body: LedgerRecord.Body) -> LedgerRecord {
    LedgerRecord(seq: seq, timeMs: seq * 1000, body: body)
  }

  private func admission(_ id: String, envoys: String? = nil) -> Admission {
    Admission(requestID: id, decision: .allow, envoyRequestID: envoys, policy: "p")
  }

  private func completion(_ id: String) -> LedgerRecord.Body {
    .completion(Completion(requestID: id, usageSource: .none, endReason: .complete))
  }

  private func denials(_ sinceMs: Int64, _ ids: [String] = [], reason: String = "r")
    -> LedgerRecord.Body
  {
    .denials(
      Denials(tenant: "a", reason: reason, count: 500, sinceMs: sinceMs, requestIDs: ids))
  }

  private func found(_ search: inout RequestSearch, _ bodies: [LedgerRecord.Body]) -> [Int64] {
    bodies.enumerated().compactMap { index, body in
      let record = record(Int64(index), body)
      if search.matches(record) { return record.seq }
      search.keep(record, line: [UInt8(index)])
      return nil
    }
  }

  @Test func `Our id finds the admission, the completion, and the denials that have it`() {
    let bodies = [
      .admission(admission("req_1", envoys: Self.envoys)), .admission(admission("req_2")),
      completion("req_2"), completion("req_1"), denials(0, ["req_3", "req_1"]),
      denials(0, ["req_3"]),
    ]
    for (id, expected) in [
      ("req_1", [0, 3, 4]), ("req_2", [1, 2]), ("req_3", [4, 5]), ("req_4", []), ("", []),
    ] as [(String, [Int64])] {
      var search = RequestSearch(id: id, madeMs: nil)
      #expect(found(&search, bodies) == expected, "\(id)")
    }
  }

  @Test func `Envoy's id finds the completion too, also where the admission's segment is gone`() {
    let open = Checkpoint(
      previousHash: Chain.origin, counters: [],
      open: [
        OpenExchange(seq: 1, timeMs: 0, admission: admission("req_9", envoys: Self.envoys)),
        OpenExchange(seq: 2, timeMs: 0, admission: admission("req_8")),
      ])
    var search = RequestSearch(id: Self.envoys, madeMs: nil)
    #expect(
      found(
        &search,
        [
          .checkpoint(open), completion("req_9"), completion("req_8"),
          .admission(admission("req_1", envoys: Self.envoys)), completion("req_1"),
          .admission(admission("req_2", envoys: "another")), completion("req_2"),
        ]) == [1, 3, 4])
  }

  @Test func `A caller that repeats Envoy's id does not fill the memory`() {
    var search = RequestSearch(id: "same", madeMs: nil)
    let count = RequestSearch.sameIDMax + 1
    let admissions = (0..<count).map {
      LedgerRecord.Body.admission(admission("req_\($0)", envoys: "same"))
    }
    #expect(found(&search, admissions).count == count)
    #expect(found(&search, [completion("req_\(count - 2)")]).count == 1)
    #expect(found(&search, [completion("req_\(count - 1)")]).isEmpty)
  }

  @Test func `An id that stands nowhere has the denials of its second, else of the next`() {
    let near = denials(7_000, reason: "near")
    let next = denials(8_000, reason: "next")
    let others = [denials(5_000), denials(6_000), denials(9_000)]
    for (bodies, expected) in [
      (others + [near, next], ["near"]), ([next] + others, ["next"]), (others, []),
    ] {
      var search = RequestSearch(id: "req_lost", madeMs: 7_999)
      #expect(found(&search, bodies).isEmpty)
      #expect(
        search.nearby.map { found in
          if case .denials(let denials) = found.record.body { denials.reason } else { "" }
        } == expected)
    }
    var envoys = RequestSearch(id: Self.envoys, madeMs: nil)
    #expect(found(&envoys, [near, next]).isEmpty)
    #expect(envoys.nearby.isEmpty)
  }

  @Test func `Only so many denials are kept`() {
    var search = RequestSearch(id: "req_lost", madeMs: 7_000)
    let many = Array(repeating: denials(7_000), count: RequestSearch.nearbyMax + 1)
    #expect(found(&search, many).isEmpty)
    #expect(search.nearby.count == RequestSearch.nearbyMax)
  }
}
