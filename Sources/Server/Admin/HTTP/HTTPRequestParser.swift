/// Requests out of a connection's bytes: HTTP/1.1 of RFC 9112, read strictly. What is found does
/// not depend on how the bytes were cut. Bounded by `HTTPLimits`; knows neither sockets nor clocks.
package struct HTTPRequestParser {
  /// What the bytes so far come to.
  package enum Step: Equatable {
    case needsMore
    case request(HTTPRequest)
    /// Nothing behind it can be understood: the connection ends.
    case fault(HTTPFault)
  }

  private let limits: HTTPLimits
  private var bytes: [UInt8] = []
  /// Where the request begins; before it are those already given out.
  private var start = 0
  /// Up to here bytes have been looked at.
  private var scanned = 0
  private var lineStart = 0
  /// The lines of the head so far, without their ends.
  private var lines: [Range<Int>] = []
  private var hasSkippedLine = false
  private var fault: HTTPFault?

  package init(limits: HTTPLimits = HTTPLimits()) {
    self.limits = limits
  }

  /// Bytes that belong to no request given out yet.
  package var waitingBytes: Int { bytes.count - start }

  /// Takes what came.
  package mutating func append(_ more: ArraySlice<UInt8>) {
    if start > 0 {
      bytes.removeFirst(start)
      scanned -= start
      lineStart -= start
      lines = lines.map { $0.lowerBound - start..<$0.upperBound - start }
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// The next request, as soon as its head is there.
  package mutating func next() -> Step {
    if let fault { return .fault(fault) }
    do throws(HTTPFault) {
      guard try scan() else { return .needsMore }
      let head = lines.map { bytes[$0] }
      start = scanned
      lineStart = scanned
      lines = []
      hasSkippedLine = false
      return .request(try HTTPRequestHead.parse(head))
    } catch {
      fault = error
      return .fault(error)
    }
  }

  /// Finds the lines; true at the end of the head.
  private mutating func scan() throws(HTTPFault) -> Bool {
    while scanned < bytes.count {
      let byte = bytes[scanned]
      try bound(byte)
      let followsReturn = scanned > lineStart && bytes[scanned - 1] == UInt8(ascii: "\r")
      if byte == UInt8(ascii: "\n") {
        guard followsReturn else { throw .malformed("a line ends without CR") }
        scanned += 1
        if try endLine() { return true }
        continue
      }
      if followsReturn { throw .malformed("CR stands inside a line") }
      switch byte {
      case UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
      case 0..<0x20, 0x7f: throw .malformed("a control character")
      default: break
      }
      scanned += 1
    }
    return false
  }

  /// Whether there is room for the byte that was reached.
  private func bound(_ byte: UInt8) throws(HTTPFault) {
    if !lines.isEmpty {
      guard scanned - start < limits.headBytesMax else {
        throw .headTooLarge(limit: limits.headBytesMax)
      }
    } else if byte != UInt8(ascii: "\r"), byte != UInt8(ascii: "\n") {
      guard scanned - lineStart < limits.requestLineBytesMax else {
        throw .requestLineTooLong(limit: limits.requestLineBytesMax)
      }
    }
  }

  /// A line is whole; true where it is the empty one that ends the head.
  private mutating func endLine() throws(HTTPFault) -> Bool {
    let line = lineStart..<scanned - 2
    lineStart = scanned
    if !line.isEmpty {
      // The first line is the request's own.
      guard lines.count <= limits.fieldsMax else {
        throw .tooManyFields(limit: limits.fieldsMax)
      }
      lines.append(line)
      return false
    }
    if !lines.isEmpty { return true }
    // RFC 9112 section 2.2: one empty line before a request is passed over.
    if hasSkippedLine { throw .malformed("empty lines before the request") }
    hasSkippedLine = true
    start = scanned
    return false
  }
}
