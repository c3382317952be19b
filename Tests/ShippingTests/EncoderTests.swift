import Ledger
import Shipping
import Testing

/// The encoder's bytes, by hand for one record; the end-to-end bench holds it against the official
/// messages.
@Suite struct EncoderTests {
  private let resource = OTLPResource(version: "1", instanceID: "id")

  private func request(_ lines: [LedgerTail.Line]) -> [UInt8] {
    var batch = ShipBatch(BatchBounds())
    for line in lines { batch.add(line, nowMs: 0) }
    return OTLPLogs.request(batch, resource: resource, observedNanoseconds: 5)
  }

  private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    bytes.firstRange(of: part) != nil
  }

  private func string(_ field: UInt8, _ text: String) -> [UInt8] {
    [field << 3 | 2, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  private func attribute(_ name: String, _ value: [UInt8]) -> [UInt8] {
    let content = string(1, name) + [0x12, UInt8(value.count)] + value
    return [0x32, UInt8(content.count)] + content
  }

  @Test func `A record has its time, severity, body, fields and name`() {
    let record = line(
      7, type: "admission",
      fields: ",\"decision\":\"deny\",\"tenant\":null,\"stream\":true,\"count\":-2,\"usd\":0.25")
    let bytes = request([record])
    // 2026-11-22T20:17:10.123Z, little end first.
    let nanoseconds: UInt64 = 1_795_378_630_123_000_000
    let time = (0..<8).map { UInt8(truncatingIfNeeded: nanoseconds >> UInt64(8 * $0)) }
    #expect(contains(bytes, [0x09] + time + [0x10, 13] + string(3, "WARN")))
    #expect(contains(bytes, record.bytes))
    #expect(contains(bytes, attribute("decision", string(1, "deny"))))
    #expect(contains(bytes, attribute("seq", [0x18, 7])))
    #expect(contains(bytes, attribute("stream", [0x10, 1])))
    #expect(
      contains(bytes, attribute("count", [0x18, 0xfe] + Array(repeating: 0xff, count: 8) + [1])))
    #expect(contains(bytes, attribute("usd", [0x21, 0, 0, 0, 0, 0, 0, 0xd0, 0x3f])))
    #expect(!contains(bytes, string(1, "tenant")))
    #expect(contains(bytes, [0x59, 5, 0, 0, 0, 0, 0, 0, 0] + string(12, "tollgate.admission")))
  }

  @Test(arguments: [
    // The last millisecond of 64 bits of nanoseconds, and the one behind it.
    ("2554-07-21T23:34:33.709Z", 18_446_744_073_709_000_000 as UInt64),
    ("2554-07-21T23:34:33.710Z", 0), ("9026-11-22T20:17:10.123Z", 0),
  ])
  func `A time that nanoseconds cannot hold is unknown`(_ text: String, _ nanoseconds: UInt64) {
    let bytes = Array("{\"type\":\"start\",\"seq\":1,\"timestamp\":\"\(text)\"}".utf8)
    guard let head = RecordHead(line: bytes) else {
      Issue.record("a record's head is expected")
      return
    }
    let time = (0..<8).map { UInt8(truncatingIfNeeded: nanoseconds >> UInt64(8 * $0)) }
    let record = LedgerTail.Line(head: head, bytes: bytes)
    #expect(contains(request([record]), [0x09] + time + [0x10, 9]))
  }

  @Test func `A trace context becomes the record's ids and flags`() {
    let bytes = request([
      line(
        1, type: "completion",
        fields: ",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"")
    ])
    let trace: [UInt8] = [
      0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31,
      0x9c,
    ]
    let span: [UInt8] = [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]
    #expect(contains(bytes, [0x45, 1, 0, 0, 0, 0x4a, 16] + trace + [0x52, 8] + span))
    #expect(!contains(request([line(1, fields: ",\"traceparent\":null")]), [0x4a, 16]))
  }

  @Test(arguments: [
    ("admission", ",\"decision\":\"allow\"", "INFO"),
    ("admission", ",\"decision\":\"deny\"", "WARN"),
    ("completion", ",\"end_reason\":\"complete\"", "INFO"),
    ("completion", ",\"end_reason\":\"failed\"", "ERROR"),
    ("completion", ",\"end_reason\":\"cut\"", "WARN"),
    ("completion", ",\"end_reason\":\"refused\"", "WARN"),
    ("completion", ",\"end_reason\":\"interrupted\"", "WARN"),
    ("denials", "", "WARN"), ("clock", "", "WARN"), ("start", "", "INFO"), ("stop", "", "INFO"),
    ("reload", "", "INFO"), ("checkpoint", "", "INFO"), ("repair", "", "ERROR"),
    ("drop", "", "ERROR"), ("store", ",\"event\":\"joined\"", "INFO"),
    ("store", ",\"event\":\"lost\"", "WARN"), ("store", ",\"event\":\"fenced\"", "ERROR"),
    ("store", ",\"event\":\"returned\"", "INFO"),
  ])
  func `Severity says what an operator should look at`(type: String, fields: String, text: String) {
    #expect(contains(request([line(1, type: type, fields: fields)]), string(3, text)))
  }

  @Test func `A checkpoint's long lists stay in its body, its other fields are attributes`() {
    let bytes = request([
      line(
        1, type: "checkpoint",
        fields: ",\"format\":1,\"previous_hash\":\"\(String(repeating: "b", count: 64))\","
          + "\"counters\":[{\"counter\":\"c\"}],\"open\":[]")
    ])
    #expect(contains(bytes, attribute("type", string(1, "checkpoint"))))
    #expect(contains(bytes, attribute("format", [0x18, 1])))
    #expect(
      contains(bytes, attribute("previous_hash", string(1, String(repeating: "b", count: 64)))))
    #expect(contains(bytes, attribute("hash", string(1, String(repeating: "a", count: 64)))))
    #expect(!contains(bytes, string(1, "counters")))
    #expect(!contains(bytes, string(1, "open")))
    #expect(contains(bytes, Array("\"counters\":[".utf8)))
  }

  @Test(arguments: [
    ("0", 0.0), ("3", 3), ("0.25", 0.25), ("-1", -1), ("0.000000001", 1e-9),
  ])
  func `An amount of money has one type`(text: String, value: Double) {
    let bytes = request([line(1, type: "completion", fields: ",\"estimated_cost_usd\":\(text)")])
    let double = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * $0)) }
    #expect(contains(bytes, attribute("estimated_cost_usd", [0x21] + double)))
    let unknown = request([line(1, type: "completion", fields: ",\"estimated_cost_usd\":null")])
    #expect(!contains(unknown, string(1, "estimated_cost_usd")))
  }

  @Test func `A line that is no JSON of the ledger's is shipped as it is`() {
    let broken = line(3, fields: ",\"x\": 1")
    let bytes = request([broken])
    #expect(contains(bytes, broken.bytes))
    #expect(contains(bytes, string(12, "tollgate.start")))
  }
}
