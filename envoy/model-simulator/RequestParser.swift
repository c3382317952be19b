/// Reads requests from an HTTP/1.1 connection's bytes, in pieces of any size (RFC 9112). It does no
/// I/O and reads no clock.
struct RequestParser {
  /// What the bytes read so far gave.
  enum Event {
    case needsInput
    /// The head is read and a body follows. With `expectsContinue` the client waits for
    /// `100 Continue`.
    case head(expectsContinue: Bool)
    /// The request is read whole.
    case complete
  }

  /// The most bytes of the request line and headers together, and again of the trailers.
  static let headBytesMax = 256 * 1024
  static let bodyBytesMax = 64 * 1024 * 1024
  /// The most bytes of a chunk's size line with its extensions.
  static let chunkLineBytesMax = 4096

  private enum State {
    case requestLine
    case headers
    case body(remaining: Int)
    case chunkSize
    case chunk(remaining: Int)
    case chunkEnd
    case trailers
  }

  private var state = State.requestLine
  private var line: [UInt8] = []
  private var headBytes = 0
  private var request = Request()

  /// The request that the last `.head` or `.complete` was about.
  var current: Request { request }

  /// Reads on, and removes from `input` what was read. Call it again until it returns
  /// `.needsInput`.
  mutating func next(_ input: inout ArraySlice<UInt8>) throws(HTTPFault) -> Event {
    while true {
      switch state {
      case .body(let remaining):
        let taken = takeBody(remaining, from: &input)
        state = .body(remaining: remaining - taken)
        guard remaining == taken else { return .needsInput }
        return finish()
      case .chunk(let remaining):
        let taken = takeBody(remaining, from: &input)
        state = taken == remaining ? .chunkEnd : .chunk(remaining: remaining - taken)
        guard remaining == taken else { return .needsInput }
      case .requestLine, .headers, .chunkSize, .chunkEnd, .trailers:
        guard let text = try takeLine(from: &input) else { return .needsInput }
        if let event = try read(text) { return event }
      }
    }
  }

  private mutating func read(_ text: String) throws(HTTPFault) -> Event? {
    switch state {
    case .requestLine:
      try readRequestLine(text)
    case .headers:
      if text.isEmpty { return try endHead() }
      request.headers.append(try RequestParser.field(text))
    case .chunkSize:
      try readChunkSize(text)
    case .chunkEnd:
      guard text.isEmpty else { throw .malformed }
      state = .chunkSize
    case .trailers:
      if text.isEmpty { return finish() }
      request.trailers.append(try RequestParser.field(text))
    case .body, .chunk: preconditionFailure("bodies are not made of lines")
    }
    return nil
  }

  private mutating func readRequestLine(_ text: String) throws(HTTPFault) {
    if text.isEmpty { return }  // RFC 9112, section 2.2: an empty line before a request is ignored
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2].hasPrefix("HTTP/1."), !words[1].isEmpty else {
      throw .malformed
    }
    request = Request()
    request.method = String(words[0])
    request.target = String(words[1])
    request.keepsAlive = words[2] != "HTTP/1.0"
    state = .headers
  }

  private mutating func endHead() throws(HTTPFault) -> Event {
    headBytes = 0
    if let connection = request.header("connection")?.lowercased(), connection.contains("close") {
      request.keepsAlive = false
    }
    let expectsContinue = request.header("expect")?.lowercased() == "100-continue"
    if let coding = request.header("transfer-encoding")?.lowercased() {
      guard coding == "chunked" else { throw .notImplemented }
      guard request.header("content-length") == nil else { throw .malformed }
      state = .chunkSize
      return .head(expectsContinue: expectsContinue)
    }
    guard let length = request.header("content-length") else { return finish() }
    guard let count = Int(length), count >= 0 else { throw .malformed }
    guard count <= RequestParser.bodyBytesMax else { throw .bodyTooLarge }
    if count == 0 { return finish() }
    request.body.reserveCapacity(count)
    state = .body(remaining: count)
    return .head(expectsContinue: expectsContinue)
  }

  private mutating func readChunkSize(_ text: String) throws(HTTPFault) {
    let digits = text.prefix { $0 != ";" && $0 != " " }
    guard let size = Int(digits, radix: 16), size >= 0 else { throw .malformed }
    guard size <= RequestParser.bodyBytesMax - request.body.count else { throw .bodyTooLarge }
    headBytes = 0
    state = size == 0 ? .trailers : .chunk(remaining: size)
  }

  private mutating func finish() -> Event {
    state = .requestLine
    headBytes = 0
    return .complete
  }

  private mutating func takeBody(_ remaining: Int, from input: inout ArraySlice<UInt8>) -> Int {
    let count = min(remaining, input.count)
    request.body.append(contentsOf: input.prefix(count))
    input = input.dropFirst(count)
    return count
  }

  /// The next line without its line end; nil while it is incomplete.
  private mutating func takeLine(from input: inout ArraySlice<UInt8>) throws(HTTPFault) -> String? {
    let end = input.firstIndex(of: UInt8(ascii: "\n"))
    let piece = input[input.startIndex..<(end ?? input.endIndex)]
    line.append(contentsOf: piece)
    headBytes += piece.count + (end == nil ? 0 : 1)
    guard headBytes <= RequestParser.headBytesMax else { throw .headTooLarge }
    if case .chunkSize = state, line.count > RequestParser.chunkLineBytesMax {
      throw .headTooLarge
    }
    guard let end else {
      input = []
      return nil
    }
    input = input[(end + 1)...]
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    defer { line.removeAll(keepingCapacity: true) }
    return String(decoding: line, as: UTF8.self)
  }

  /// RFC 9110, section 5: a name, a colon, a value between optional blanks.
  private static func field(_ text: String) throws(HTTPFault) -> (name: String, value: String) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { throw .malformed }
    guard !bytes[..<colon].contains(where: { $0 <= 0x20 }) else { throw .malformed }
    var value = bytes[(colon + 1)...]
    while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
    while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
    return (
      String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)
    )
  }
}
