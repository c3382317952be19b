/// Finds the requests in a connection's bytes: HTTP/1.1 as in RFC 9112, read strictly. The result
/// does not depend on how the bytes were split. Bounded by `HTTPLimits`. A value, without sockets
/// and clocks.
struct HTTPRequestParser {
  /// What the bytes so far hold.
  enum Step: Equatable {
    /// No whole request.
    case needsMore
    case request(HTTPRequest)
    /// A request that is not valid. What follows it cannot be read, so the connection ends.
    case fault(HTTPFault)
  }

  private let limits: HTTPLimits
  private var bytes: [UInt8] = []
  /// Where the next request begins; what is before it was given out.
  private var start = 0
  /// Where the bytes begin that were not looked at yet.
  private var scanned = 0
  /// Where the line begins that is being read.
  private var lineStart = 0
  /// The lines of the head so far, without their ends.
  private var lines: [Range<Int>] = []
  /// Whether an empty line before the request was skipped.
  private var hasSkippedLine = false
  private var fault: HTTPFault?

  /// A parser at the start of a connection.
  init(limits: HTTPLimits = HTTPLimits()) {
    self.limits = limits
  }

  /// How many bytes belong to requests that were not given out yet.
  var waitingBytes: Int { bytes.count - start }

  /// Takes bytes from the socket.
  mutating func append(_ more: ArraySlice<UInt8>) {
    if start > 0 {
      bytes.removeFirst(start)
      scanned -= start
      lineStart -= start
      lines = lines.map { $0.lowerBound - start..<$0.upperBound - start }
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// The next request, once its head is complete.
  mutating func next() -> Step {
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

  /// Finds the head's lines in the bytes; true when the head is complete.
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
      if followsReturn { throw .malformed("CR inside a line") }
      switch byte {
      case UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
      case 0..<0x20, 0x7f: throw .malformed("a control character")
      default: break
      }
      scanned += 1
    }
    return false
  }

  /// Throws where the next byte is one over a limit.
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

  /// Takes the line that has just ended; true where it is the empty line at the head's end.
  private mutating func endLine() throws(HTTPFault) -> Bool {
    let line = lineStart..<scanned - 2
    lineStart = scanned
    if !line.isEmpty {
      // The first line is the request line, which is not a field.
      guard lines.count <= limits.fieldsMax else {
        throw .tooManyFields(limit: limits.fieldsMax)
      }
      lines.append(line)
      return false
    }
    if !lines.isEmpty { return true }
    // RFC 9112, section 2.2: one empty line before a request is skipped.
    if hasSkippedLine { throw .malformed("empty lines before the request") }
    hasSkippedLine = true
    start = scanned
    return false
  }
}
