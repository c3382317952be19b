@testable import Transport

/// One HTTP/2 frame, as a test writes or reads it (RFC 9113, 4.1).
struct Frame: Equatable {
  enum Kind: UInt8 {
    case data = 0
    case headers, priority, reset, settings, pushPromise, ping, goaway, windowUpdate
    case continuation
  }

  var kind: UInt8
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
    self.kind = kind.rawValue
    self.flags = flags
    self.stream = stream
    self.payload = payload
  }

  static let ack: UInt8 = 1
  static let endStream: UInt8 = 1
  static let endHeaders: UInt8 = 4

  var bytes: [UInt8] {
    let length = UInt32(payload.count)
    return [UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8)]
      + [UInt8(truncatingIfNeeded: length), kind, flags] + be32(stream) + payload
  }

  func `is`(_ kind: Kind) -> Bool { self.kind == kind.rawValue }

  /// The 32 bits at an offset of the payload.
  func word(_ offset: Int) -> UInt32 {
    payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads whole frames; the bytes must end with one.
  static func parse(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    var offset = 0
    while offset < bytes.count {
      let length = bytes[offset..<offset + 3].reduce(0) { $0 << 8 | Int($1) }
      var frame = Frame(.data)
      frame.kind = bytes[offset + 3]
      frame.flags = bytes[offset + 4]
      frame.stream = bytes[offset + 5..<offset + 9].reduce(0) { $0 << 8 | UInt32($1) }
      frame.payload = [UInt8](bytes[offset + 9..<offset + 9 + length])
      frames.append(frame)
      offset += 9 + length
    }
    return frames
  }
}

func be32(_ value: UInt32) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// A gRPC message with its prefix.
func framed(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
  [flag] + be32(UInt32(message.count)) + message
}

/// A peer made of hand-written frames; headers as HPACK literals without indexing.
struct RawPeer {
  static let preface = [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// Preface, empty SETTINGS, and the answer to the server's.
  static let hello =
    preface + Frame(.settings).bytes + Frame(.settings, flags: Frame.ack).bytes

  static let grpcFields: [(String, String)] = [
    (":method", "POST"), (":scheme", "http"), (":path", "/t.T/Echo"), (":authority", "x"),
    ("content-type", "application/grpc"), ("te", "trailers"),
  ]

  /// The default fields, some replaced, some added; nil removes.
  static func fields(_ changes: [(String, String?)] = []) -> [(String, String)] {
    var fields = grpcFields
    for (name, value) in changes {
      let index = fields.firstIndex { $0.0 == name }
      switch (index, value) {
      case (let index?, let value?): fields[index].1 = value
      case (let index?, nil): fields.remove(at: index)
      case (nil, let value?): fields.append((name, value))
      case (nil, nil): break
      }
    }
    return fields
  }

  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + literal($0.0) + literal($0.1) }
  }

  static func headers(
    _ stream: UInt32, _ fields: [(String, String)] = grpcFields, endStream: Bool = false
  ) -> [UInt8] {
    Frame(
      .headers, flags: Frame.endHeaders | (endStream ? Frame.endStream : 0), stream: stream,
      block(fields)
    ).bytes
  }

  static func data(_ stream: UInt32, _ payload: [UInt8], endStream: Bool = false) -> [UInt8] {
    Frame(.data, flags: endStream ? Frame.endStream : 0, stream: stream, payload).bytes
  }

  static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] {
    Frame(.reset, stream: stream, be32(code)).bytes
  }

  /// HPACK string, not Huffman coded (RFC 7541, 5.2).
  private static func literal(_ text: String) -> [UInt8] {
    let bytes = [UInt8](text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var rest = bytes.count - 127
    var length: [UInt8] = [127]
    while rest >= 128 {
      length.append(UInt8(rest % 128 + 128))
      rest /= 128
    }
    return length + [UInt8(rest)] + bytes
  }
}

extension Wire {
  /// Feeds hand-made bytes and gives the answer to the client session's parser only as frames.
  func exchange(_ bytes: [UInt8]) -> [Frame] {
    feedServer(bytes)
    return Frame.parse(serverOutput())
  }
}

extension [Frame] {
  func of(_ kind: Frame.Kind, stream: UInt32? = nil) -> [Frame] {
    filter { $0.is(kind) && (stream == nil || $0.stream == stream) }
  }
}
