import Bytes

/// `ProcessingMode.BodySendMode`: how Envoy sends bodies.
package enum BodyMode: UInt8, Sendable {
  case none = 0
  case streamed = 1
  case buffered = 2
  case bufferedPartial = 3
  case fullDuplexStreamed = 4
  case grpc = 5
}

/// The phase of an exchange that a `ProcessingRequest` is about: which member of its oneof `request` is
/// set. The raw value is the field number.
public enum ProcessingPhase: UInt8, Sendable, CaseIterable {
  case requestHeaders = 2
  case responseHeaders = 3
  case requestBody = 4
  case responseBody = 5
  case requestTrailers = 6
  case responseTrailers = 7
}

/// Reads an `envoy.service.ext_proc.v3.ProcessingRequest` in place. Ranges are offsets in the message's
/// bytes; empty where a field is absent.
package struct ProcessingRequest: Sendable {
  /// Nil where no known member of the oneof is set: the peer is a newer Envoy, or not Envoy.
  package private(set) var phase: ProcessingPhase?
  /// The `HeaderMap` of a headers or trailers phase.
  package private(set) var headers = 0..<0
  /// `HttpBody.body` of a body phase; empty where the assembler passed it on while it arrived.
  package private(set) var body = 0..<0
  /// `end_of_stream` of `HttpHeaders` or `HttpBody`.
  package private(set) var endOfStream = false
  /// `HttpBody.end_of_stream_without_message`: the end of a body in the GRPC body mode.
  package private(set) var endOfStreamWithoutMessage = false
  /// `metadata_context`: a `Metadata`.
  package private(set) var metadata: Range<Int>?
  /// `attributes["envoy.filters.http.ext_proc"]`: a `Struct`.
  package private(set) var attributes: Range<Int>?
  /// `observability_mode`: Envoy does not wait for a reply.
  package private(set) var observabilityMode = false
  /// `protocol_config`, which newer Envoys send in their first message.
  package private(set) var bodyModes: BodyModes?

  /// The body modes of a `ProtocolConfiguration`; nil for a mode that this program does not know.
  package struct BodyModes: Equatable, Sendable {
    package var request: BodyMode?
    package var response: BodyMode?

    package init(request: BodyMode?, response: BodyMode?) {
      self.request = request
      self.response = response
    }
  }

  private static let attributesKey: StaticString = "envoy.filters.http.ext_proc"

  /// Reads a whole message. Throws where it is not valid protobuf, or where a message that protobuf
  /// would merge is given twice.
  package init(_ bytes: Span<UInt8>) throws(WireError) {
    try readFields(in: bytes, 0..<bytes.count)
  }

  /// Reads the rest of a message whose `HttpBody.body` came first and has been passed on already:
  /// `bytes` is what followed the body; the first `bodyRemainder` of them belong to the `HttpBody`.
  init(
    rest bytes: Span<UInt8>, phase: ProcessingPhase, bodyRemainder: Int
  ) throws(WireError) {
    self.phase = phase
    guard bodyRemainder <= bytes.count else { throw .truncated(offset: 0) }
    try readBody(in: bytes, 0..<bodyRemainder, bodySeen: true)
    try readFields(in: bytes, bodyRemainder..<bytes.count)
  }

  private mutating func readFields(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) {
    var reader = WireReader(range)
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 2...7:
        guard phase == nil else { throw .repeated(field: field.number) }
        let phase = ProcessingPhase(rawValue: UInt8(field.number))
        self.phase = phase
        let content = try field.content()
        switch field.number {
        case 2, 3: try readHeaders(in: bytes, content)
        case 4, 5: try readBody(in: bytes, content, bodySeen: false)
        default: try readTrailers(in: bytes, content)
        }
      case 8:
        guard metadata == nil else { throw .repeated(field: 8) }
        metadata = try field.content()
      case 9:
        let (key, value) = try StructFields.entry(in: bytes, try field.content())
        if bytes.extracting(key).elementsEqual(Self.attributesKey) { attributes = value }
      case 10: observabilityMode = try field.varint() != 0
      case 11:
        guard bodyModes == nil else { throw .repeated(field: 11) }
        try readProtocolConfiguration(in: bytes, try field.content())
      default: break
      }
    }
  }

  /// `HttpHeaders {headers = 1, end_of_stream = 3}`.
  private mutating func readHeaders(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) {
    var reader = WireReader(range)
    var seen = false
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1:
        guard !seen else { throw .repeated(field: 1) }
        seen = true
        headers = try field.content()
      case 3: endOfStream = try field.varint() != 0
      default: break
      }
    }
  }

  /// `HttpBody {body = 1, end_of_stream = 2, end_of_stream_without_message = 3}`.
  private mutating func readBody(
    in bytes: Span<UInt8>, _ range: Range<Int>, bodySeen: Bool
  ) throws(WireError) {
    var reader = WireReader(range)
    var seen = bodySeen
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1:
        guard !seen else { throw .repeated(field: 1) }
        seen = true
        body = try field.content()
      case 2: endOfStream = try field.varint() != 0
      case 3: endOfStreamWithoutMessage = try field.varint() != 0
      default: break
      }
    }
  }

  /// `HttpTrailers {trailers = 1}`.
  private mutating func readTrailers(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) {
    var reader = WireReader(range)
    var seen = false
    while let field = try reader.next(in: bytes) {
      guard field.number == 1 else { continue }
      guard !seen else { throw .repeated(field: 1) }
      seen = true
      headers = try field.content()
    }
  }

  /// `ProtocolConfiguration {request_body_mode = 1, response_body_mode = 2}`.
  private mutating func readProtocolConfiguration(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) {
    var modes = BodyModes(request: .some(.none), response: .some(.none))
    var reader = WireReader(range)
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: modes.request = BodyMode(rawValue: UInt8(clamping: try field.varint()))
      case 2: modes.response = BodyMode(rawValue: UInt8(clamping: try field.varint()))
      default: break
      }
    }
    bodyModes = modes
  }
}
