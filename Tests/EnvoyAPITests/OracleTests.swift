import Bytes
import Testing

@testable import EnvoyAPI

/// EnvoyAPI's walk against protobuf-c. The two may differ in this, and in nothing else:
///
/// - Refused by the walk, read by protobuf-c: a singular message, body or map value given twice
///   (`repeated`: protobuf merges, protobuf-c keeps the last of a oneof, Envoy never writes it); a varint past 64 bits and a field
///   number 0 or past 2²⁹−1 (`malformed`: protobuf-c cuts them to size); a bool of another wire
///   type (`wrongType`: protobuf-c looks at its bytes all the same).
/// - Read by the walk, refused by protobuf-c: damage in a field that the walk skips, which includes
///   the parts of a oneof or map that a later one replaces; tags and lengths of more than five
///   bytes whose value is in range.
@Suite struct OracleTests {
  /// How often the two compared, so that a test which compares nothing cannot pass.
  struct Tally {
    var read = 0
    var refused = 0
  }

  private func compare<Reading: Equatable>(
    _ message: [UInt8], _ schema: WireSchema, _ tally: inout Tally,
    walk: ([UInt8]) throws(WireError) -> Reading, oracle: ([UInt8]) -> Reading?
  ) {
    let expected = oracle(message)
    do throws(WireError) {
      let reading = try walk(message)
      tally.read += 1
      if let expected {
        #expect(reading == expected, "\(message)")
      } else {
        let stripped = Stripper.strip(message, schema)
        #expect(stripped != nil, "\(message)")
        #expect(stripped.flatMap(oracle) == reading, "\(message)")
      }
    } catch {
      tally.refused += 1
      guard expected != nil else { return }
      switch error {
      case .repeated, .malformed: break
      // Every bool has one of these numbers.
      case .wrongType(let field) where [2, 3, 4, 10].contains(field): break
      case .truncated, .wrongType, .outOfRange: Issue.record("\(error) of \(message)")
      }
    }
  }

  private func compareProcessing(_ message: [UInt8], _ tally: inout Tally) {
    compare(
      message, .processingRequest, &tally,
      walk: { bytes throws(WireError) in try Walk.processing(bytes) }, oracle: Oracle.processing)
  }

  private func compareCheck(_ message: [UInt8], _ tally: inout Tally) {
    compare(
      message, .checkRequest, &tally,
      walk: { bytes throws(WireError) in try Walk.check(bytes) }, oracle: Oracle.check)
  }

  /// A message in pieces must give the same as the whole message, or both must be refused.
  private func comparePieces(_ message: [UInt8], _ sizes: [Int]) {
    let whole = try? Walk.processing(message)
    let pieces = try? Walk.processing(message, pieces: sizes)
    #expect(whole == pieces, "\(message) in \(sizes)")
  }

  /// An eighth of the inputs is noise, three eighths are well-formed, the rest was and is damaged.
  private func input(_ index: Int, _ schema: WireSchema, _ messages: inout RandomMessages)
    -> [UInt8]
  {
    switch index % 8 {
    case 0: messages.random.bytes(Int.random(in: 0..<40, using: &messages.random))
    case 1...3: messages.message(schema)
    default: messages.damaged(schema)
    }
  }

  @Test func `50,000 random ProcessingRequests are read as protobuf-c reads them, in pieces too`() {
    var messages = RandomMessages(seed: 1)
    var tally = Tally()
    for index in 0..<50_000 {
      let message = input(index, .processingRequest, &messages)
      compareProcessing(message, &tally)
      comparePieces(message, [messages.random.pick([1, 2, 3, 11, 12, 13, 100]), 1, 7])
    }
    #expect(tally.read > 10_000 && tally.refused > 10_000, "\(tally)")
  }

  @Test func `50,000 random CheckRequests are read as protobuf-c reads them`() {
    var messages = RandomMessages(seed: 2)
    var tally = Tally()
    for index in 0..<50_000 {
      compareCheck(input(index, .checkRequest, &messages), &tally)
    }
    #expect(tally.read > 10_000 && tally.refused > 10_000, "\(tally)")
  }

  @Test func `every beginning of a message is refused or read as protobuf-c reads it`() {
    var messages = RandomMessages(seed: 3)
    var tally = Tally()
    for _ in 0..<150 {
      let request = messages.message(.processingRequest)
      for count in 0...min(request.count, 400) {
        compareProcessing(Array(request.prefix(count)), &tally)
        comparePieces(Array(request.prefix(count)), [5])
      }
      let question = messages.message(.checkRequest)
      for count in 0...min(question.count, 400) {
        compareCheck(Array(question.prefix(count)), &tally)
      }
    }
    #expect(tally.read > 100 && tally.refused > 1000, "\(tally)")
  }
}
