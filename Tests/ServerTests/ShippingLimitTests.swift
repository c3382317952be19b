import Ledger
import Shipping
import Testing

@testable import Server

@Suite struct ShippingLimitTests {
  private func pieces(_ lineBytes: [Int]) -> [Int] {
    var batch = ShipBatch(BatchBounds())
    for (index, count) in lineBytes.enumerated() {
      let head =
        "{\"type\":\"start\",\"seq\":\(index + 1),\"timestamp\":\"2026-11-22T20:17:10.123Z\""
      let end = ",\"hash\":\"\(String(repeating: "a", count: 64))\"}"
      let padding = count - head.utf8.count - end.utf8.count - 7
      let text = head + ",\"p\":\"\(String(repeating: "x", count: padding))\"" + end
      precondition(text.utf8.count == count)
      let bytes = Array(text.utf8)
      batch.add(LedgerTail.Line(head: RecordHead(line: bytes)!, bytes: bytes), nowMs: 0)
    }
    return StandardOutputSink.pieces(of: batch).map(\.count)
  }

  /// A pipe takes a write of that size whole, so that no line of another is between its bytes.
  @Test func `Lines are written together up to what a pipe takes at once, and one over is apart`() {
    let most = StandardOutputSink.writeBytesMax
    #expect(pieces([1000, most - 1000 - 2]) == [most])
    #expect(pieces([1000, most - 1000 - 1]) == [1001, most - 1000])
    #expect(pieces([most - 1]) == [most])
    #expect(pieces([most]) == [most, 1])
    #expect(pieces([1000, 2 * most, 1000]) == [1001, most, most, 1002])
  }

  @Test func `A target's host has at most as many bytes as a name may have`() throws {
    let host = String(repeating: "h", count: ShipTarget.hostBytesMax)
    _ = try ShipTarget("otlp://\(host):4317")
    #expect(throws: ShipTarget.Problem.hostInvalid(host + "h")) {
      try ShipTarget("otlp://\(host)h:4317")
    }
  }
}
