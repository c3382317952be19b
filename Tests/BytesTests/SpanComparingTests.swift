import Testing

@testable import Bytes

// Spans cannot stand inside an expectation.
private func isEqual(_ a: [UInt8], _ b: [UInt8]) -> [Bool] {
  [a.span.elementsEqual(b.span), a.span.elementsEqual(b)]
}

private func beginnings(_ text: [UInt8], _ prefix: [UInt8]) -> [Bool] {
  [text.span.starts(with: prefix.span), text.span.starts(with: prefix)]
}

@Suite struct SpanComparingTests {
  @Test(arguments: [
    ("", "", true), ("content-type", "content-type", true), ("content-typ", "content-type", false),
    ("content-type", "content-typ", false), ("", "a", false), ("a", "", false),
    ("Content-Type", "content-type", false), ("é", "é", true), ("a\0b", "a\0b", true),
    ("a\0b", "a\0c", false),
  ])
  func `bytes are the same or not`(a: String, b: String, same: Bool) {
    #expect(isEqual(Array(a.utf8), Array(b.utf8)) == [same, same])
  }

  @Test(arguments: [
    ("", true), ("c", true), ("content-", true), ("content-type", true), ("content-types", false),
    ("Content-", false), ("x", false),
  ])
  func `bytes begin with others or not`(prefix: String, begins: Bool) {
    #expect(beginnings(Array("content-type".utf8), Array(prefix.utf8)) == [begins, begins])
  }

  @Test func `literals are compared as their bytes`() {
    let text = Array("Content-Type".utf8)
    let isTrue = [
      text.span.elementsEqual("Content-Type"), text.span.starts(with: "Content-"),
      text.span.starts(with: ""), [UInt8]().span.elementsEqual(""),
      text.span.elementsEqual(ignoringCase: "cONTENT-tYPE"),
      text.span.starts(withIgnoringCase: "CONTENT-"),
    ]
    #expect(!isTrue.contains(false))
    let isFalse = [
      text.span.elementsEqual("content-type"), text.span.elementsEqual("Content"),
      text.span.starts(with: "content-"), text.span.starts(with: "Content-Types"),
      text.span.elementsEqual(ignoringCase: "content-typ"),
      text.span.starts(withIgnoringCase: "content-types"),
    ]
    #expect(!isFalse.contains(true))
  }

  @Test func `only ASCII letters are the same in both cases`() {
    for a in UInt8.min...UInt8.max {
      let lower = (0x41...0x5a).contains(a) ? a + 0x20 : a
      #expect(a.lowercasedASCII == lower)
      for b in UInt8.min...UInt8.max {
        let same = lower == ((0x41...0x5a).contains(b) ? b + 0x20 : b)
        guard [a].span.elementsEqual(ignoringCase: [b].span) != same else { continue }
        Issue.record("\(a) and \(b)")
      }
    }
  }

  @Test func `bytes are copied and appended`() {
    let text = Array("abc".utf8)
    let (some, none) = (text.span.extracting(1..<3).copy(), text.span.extracting(1..<1).copy())
    #expect(some == Array("bc".utf8))
    #expect(none.isEmpty)
    var all = text
    all.append(text.span.extracting(0..<2))
    #expect(all == Array("abcab".utf8))
  }
}
