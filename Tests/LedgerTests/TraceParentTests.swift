import Ledger
import Testing

/// W3C Trace Context, section 3.2.2: what is a traceparent and what is none.
@Suite struct TraceParentTests {
  static let trace = "0af7651916cd43dd8448eb211c80319c"
  static let span = "b7ad6b7169203331"

  private func parse(_ bytes: [UInt8]) -> TraceParent? { TraceParent(bytes.span) }

  @Test(arguments: [
    "00-\(trace)-\(span)-01", "00-\(trace)-\(span)-00", "00-\(trace)-\(span)-ff",
    // Later versions may go on.
    "01-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01-what-the-future-will-be-like",
    "fe-\(trace)-\(span)-01-",
  ])
  func `A well-formed one is kept as far as version 00 goes`(text: String) throws {
    let parent = try #require(parse(Array(text.utf8)))
    #expect(parent.text == String(text.prefix(55)))
    #expect(parent.traceID.first == 0x0a && parent.traceID.last == 0x9c)
    #expect(parent.traceID.count == 16)
    #expect(parent.spanID == [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31])
  }

  @Test func `The flags are its last byte`() {
    #expect(parse(Array("00-\(Self.trace)-\(Self.span)-a5".utf8))?.flags == 0xa5)
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-1x",
    // Version 00 is 55 bytes; a later one goes on behind a dash.
    "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01.", "01-\(trace)-\(span)-01.",
    "01-\(trace)-\(span)-011",
    // Version ff, zero ids, upper case, wrong separators.
    "ff-\(trace)-\(span)-01", "00-00000000000000000000000000000000-\(span)-01",
    "00-\(trace)-0000000000000000-01", "00-0AF7651916CD43DD8448EB211C80319C-\(span)-01",
    "00_\(trace)-\(span)-01", " 00-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01",
    "00-\(trace)-\(span)-0é",
  ])
  func `What is not well-formed is none`(text: String) {
    #expect(parse(Array(text.utf8)) == nil)
  }

  @Test func `A byte more or less at any place is none`() {
    let whole = Array("00-\(Self.trace)-\(Self.span)-01".utf8)
    for index in whole.indices {
      var short = whole
      short.remove(at: index)
      #expect(parse(short) == nil)
      var long = whole
      long.insert(UInt8(ascii: "z"), at: index)
      #expect(parse(long) == nil)
    }
  }
}
