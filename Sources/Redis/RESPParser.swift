/// Reads values of the Redis serialization protocol, versions 2 and 3, from bytes that are split
/// anywhere. Keeps what it has of an unfinished value, within `RedisLimits`.
package struct RESPParser: Sendable {
  /// Why nothing more can be read. The connection is then of no use.
  package enum Fault: Error, Equatable, Sendable {
    case unknownType(UInt8)
    case malformedLine
    case malformedNumber
    case malformedString
    case lineTooLong
    case stringTooLong
    case tooDeep
    case tooManyElements
    case answerTooLarge
  }

  /// A list that is not complete.
  private struct Frame {
    let kind: Kind
    let count: Int
    var elements: [RESPValue]

    enum Kind { case list, map, push, attribute }
  }

  private enum State {
    /// A line is being gathered; its first byte says what it is.
    case line
    /// A string is being gathered, of so many bytes and CR LF.
    case string(type: UInt8, count: Int)
    case broken(Fault)
  }

  private var state = State.line
  private var gathered: [UInt8] = []
  private var frames: [Frame] = []
  /// What the value takes so far.
  private var taken = 0

  package init() {}

  /// Whether a value has begun and is not complete.
  package var isInside: Bool { !gathered.isEmpty || !frames.isEmpty || isInString }

  private var isInString: Bool { if case .string = state { true } else { false } }

  /// The next value in `bytes` from `offset` on, which moves past what was used; nil where more bytes
  /// are needed. After a fault every call throws it again.
  package mutating func next(
    in bytes: Span<UInt8>, from offset: inout Int
  ) throws(Fault) -> RESPValue? {
    do throws(Fault) {
      while offset < bytes.count {
        if let value = try step(bytes, &offset) { return value }
      }
      if case .broken(let fault) = state { throw fault }
      return nil
    } catch {
      state = .broken(error)
      gathered = []
      frames = []
      throw error
    }
  }

  /// Reads a line or a part of a string; returns a value that is complete with all around it.
  private mutating func step(
    _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(Fault) -> RESPValue? {
    switch state {
    case .broken(let fault): throw fault
    case .line:
      while offset < bytes.count {
        let byte = bytes[offset]
        offset += 1
        if byte == 0x0a {
          guard gathered.last == 0x0d else { throw .malformedLine }
          gathered.removeLast()
          return try ended(line: takeGathered())
        }
        if gathered.last == 0x0d { throw .malformedLine }
        guard gathered.count < RedisLimits.lineBytesMax else { throw .lineTooLong }
        gathered.append(byte)
      }
      return nil
    case .string(let type, let count):
      let end = min(bytes.count, offset + (count + 2 - gathered.count))
      while offset < end {
        gathered.append(bytes[offset])
        offset += 1
      }
      guard gathered.count == count + 2 else { return nil }
      guard gathered.removeLast() == 0x0a, gathered.removeLast() == 0x0d else {
        throw .malformedString
      }
      state = .line
      return try complete(string(type, takeGathered()))
    }
  }

  private mutating func takeGathered() -> [UInt8] {
    let bytes = gathered
    gathered = []
    return bytes
  }

  /// What a whole line says.
  private mutating func ended(line: [UInt8]) throws(Fault) -> RESPValue? {
    guard let type = line.first else { throw .malformedLine }
    let rest = line.dropFirst()
    try take(RedisLimits.elementBytes + rest.count)
    switch type {
    case UInt8(ascii: "+"), UInt8(ascii: "("), UInt8(ascii: ","):
      return try complete(.string(Array(rest)))
    case UInt8(ascii: "-"): return try complete(.error(RedisError(line: rest)))
    case UInt8(ascii: ":"):
      guard let number = RESPNumber.read(rest) else { throw .malformedNumber }
      return try complete(.integer(number))
    case UInt8(ascii: "_"):
      guard rest.isEmpty else { throw .malformedLine }
      return try complete(.null)
    case UInt8(ascii: "#"):
      guard rest.count == 1, let byte = rest.first, byte == 0x74 || byte == 0x66 else {
        throw .malformedLine
      }
      return try complete(.bool(byte == 0x74))
    case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
      guard let count = try count(rest, max: RedisLimits.stringBytesMax, over: .stringTooLong)
      else { return try complete(.null) }
      try take(count)
      state = .string(type: type, count: count)
      return nil
    case UInt8(ascii: "*"), UInt8(ascii: "~"): return try open(.list, rest, each: 1)
    case UInt8(ascii: "%"): return try open(.map, rest, each: 2)
    case UInt8(ascii: ">"): return try open(.push, rest, each: 1)
    case UInt8(ascii: "|"): return try open(.attribute, rest, each: 2)
    default: throw .unknownType(type)
    }
  }

  private func string(_ type: UInt8, _ bytes: [UInt8]) throws(Fault) -> RESPValue {
    switch type {
    case UInt8(ascii: "!"): return .error(RedisError(line: bytes))
    case UInt8(ascii: "="):
      // A verbatim string begins with its format: `txt:`.
      guard bytes.count >= 4, bytes[3] == UInt8(ascii: ":") else { throw .malformedString }
      return .string(Array(bytes[4...]))
    default: return .string(bytes)
    }
  }

  /// A length; nil for -1, which version 2 says for null.
  private func count(
    _ digits: ArraySlice<UInt8>, max: Int, over fault: Fault
  ) throws(Fault) -> Int? {
    if digits.elementsEqual([UInt8(ascii: "-"), UInt8(ascii: "1")]) { return nil }
    guard digits.first != UInt8(ascii: "+"), let count = RESPNumber.read(digits), count >= 0 else {
      throw .malformedNumber
    }
    guard count <= Int64(max) else { throw fault }
    return Int(count)
  }

  private mutating func open(
    _ kind: Frame.Kind, _ digits: ArraySlice<UInt8>, each: Int
  ) throws(Fault) -> RESPValue? {
    let most = RedisLimits.elementsMax / each
    guard let count = try count(digits, max: most, over: .tooManyElements) else {
      return try complete(.null)
    }
    guard frames.count < RedisLimits.depthMax else { throw .tooDeep }
    // Nothing is reserved by what the server says that it will send.
    frames.append(Frame(kind: kind, count: count * each, elements: []))
    return count == 0 ? try close() : nil
  }

  /// The innermost list is complete.
  private mutating func close() throws(Fault) -> RESPValue? {
    let frame = frames.removeLast()
    switch frame.kind {
    case .list: return try complete(.list(frame.elements))
    case .map: return try complete(.map(frame.elements))
    case .push: return try complete(.push(frame.elements))
    // What is said about the value that follows, which we do not need.
    case .attribute: return nil
    }
  }

  /// A value is complete: it goes into the list around it, which may complete that, or is an answer.
  private mutating func complete(_ value: RESPValue) throws(Fault) -> RESPValue? {
    guard let last = frames.indices.last else {
      taken = 0
      return value
    }
    frames[last].elements.append(value)
    return frames[last].elements.count == frames[last].count ? try close() : nil
  }

  private mutating func take(_ bytes: Int) throws(Fault) {
    taken += bytes
    guard taken <= RedisLimits.answerBytesMax else { throw .answerTooLarge }
  }
}
