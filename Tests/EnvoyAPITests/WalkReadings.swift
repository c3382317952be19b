import Bytes

@testable import EnvoyAPI

/// What EnvoyAPI's walk over the wire format reads.
enum Walk {
  static func processing(_ message: [UInt8]) throws(WireError) -> ProcessingReading {
    let request = try ProcessingRequest(message.span)
    return try reading(of: request, message, body: Array(message[request.body]))
  }

  /// The same, of a message that arrives in pieces of these sizes, over and over.
  static func processing(
    _ message: [UInt8], pieces sizes: [Int]
  ) throws(WireError) -> ProcessingReading {
    var assembler = ProcessingRequestAssembler()
    assembler.start(size: message.count)
    var handedOver: [UInt8]?
    var position = 0
    var piece = 0
    while position < message.count {
      let end = min(position + sizes[piece % sizes.count], message.count)
      let bytes = Array(message[position..<end])
      try assembler.add(bytes.span) { _, body in
        handedOver = (handedOver ?? []) + body.indices.map { body[$0] }
      }
      position = end
      piece += 1
    }
    let body = handedOver
    let result = try assembler.finish { request, bytes in
      let rest = bytes.indices.map { bytes[$0] }
      return Result { () throws(WireError) in
        try reading(of: request, rest, body: body ?? Array(rest[request.body]))
      }
    }
    return try result.get()
  }

  static func check(_ message: [UInt8]) throws(WireError) -> CheckReading {
    let request = try CheckRequest(message.span)
    var reading = CheckReading(
      principal: upToNUL(message[request.principal]),
      sourceAddress: upToNUL(message[request.sourceAddress]),
      sourcePort: request.sourcePort, method: upToNUL(message[request.method]),
      path: upToNUL(message[request.path]), host: upToNUL(message[request.host]),
      id: upToNUL(message[request.id]), size: request.size, body: upToNUL(message[request.body]),
      rawBody: Array(message[request.rawBody]))
    try request.forEachHeader(in: message.span) { name, value in
      reading.headers.append(
        Header(name: upToNUL(message[name]), value: upToNUL(message[value])))
    }
    if let map = request.headerMap { reading.headerMap = try headers(message, map) }
    if let range = request.metadata { reading.metadata = try metadata(message, range) }
    return reading
  }

  private static func reading(
    of request: ProcessingRequest, _ bytes: [UInt8], body: [UInt8]
  ) throws(WireError) -> ProcessingReading {
    var reading = ProcessingReading(
      phase: request.phase.map { Int($0.rawValue) }, headers: try headers(bytes, request.headers),
      body: body, endOfStream: request.endOfStream,
      endOfStreamWithoutMessage: request.endOfStreamWithoutMessage,
      observabilityMode: request.observabilityMode)
    if let range = request.metadata { reading.metadata = try metadata(bytes, range) }
    if let range = request.attributes { reading.attributes = try structure(bytes, range) }
    if let modes = request.bodyModes {
      reading.modes = [modes.request, modes.response].map { $0.map { Int($0.rawValue) } ?? -1 }
    }
    return reading
  }

  private static func headers(
    _ bytes: [UInt8], _ map: Range<Int>
  ) throws(WireError) -> [Header] {
    var headers: [Header] = []
    try HeaderMap.forEach(in: bytes.span, map) { name, value in
      headers.append(Header(name: upToNUL(bytes[name]), value: upToNUL(bytes[value])))
    }
    return headers
  }

  private static func metadata(
    _ bytes: [UInt8], _ range: Range<Int>
  ) throws(WireError) -> [[UInt8]: Tree] {
    var namespaces: [[UInt8]: Tree] = [:]
    try StructFields.forEachEntry(ofMap: 1, in: bytes.span, range) {
      (key, value) throws(WireError) in
      namespaces[upToNUL(bytes[key])] = try structure(bytes, value)
    }
    return namespaces
  }

  private static func structure(
    _ bytes: [UInt8], _ range: Range<Int>
  ) throws(WireError) -> Tree {
    var members: [[UInt8]: Tree] = [:]
    try StructFields.forEachEntry(ofMap: 1, in: bytes.span, range) {
      (key, value) throws(WireError) in
      members[upToNUL(bytes[key])] = try tree(bytes, value)
    }
    return .structure(members)
  }

  private static func tree(_ bytes: [UInt8], _ range: Range<Int>) throws(WireError) -> Tree {
    switch try StructValue(in: bytes.span, range) {
    case .null: return .null
    case .number(let number): return .number(number.bitPattern)
    case .string(let range): return .string(upToNUL(bytes[range]))
    case .bool(let bool): return .bool(bool)
    case .structure(let range): return try structure(bytes, range)
    case .list(let range):
      var elements: [Tree] = []
      var values = WireReader(range)
      while let element = try values.next(in: bytes.span) {
        if element.number == 1 { elements.append(try tree(bytes, try element.content())) }
      }
      return .list(elements)
    }
  }
}
