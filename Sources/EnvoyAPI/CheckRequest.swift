import Bytes

/// Reads an `envoy.service.auth.v3.CheckRequest` in place: what Tollgate needs of its
/// `AttributeContext`. Ranges are offsets in the message's bytes; empty where a field is absent.
public struct CheckRequest: Sendable {
  /// `attributes.source.principal`: the peer's identity as Envoy verified it.
  package private(set) var principal = 0..<0
  /// `attributes.source.address.socket_address.address`. Empty for a pipe.
  package private(set) var sourceAddress = 0..<0
  /// `attributes.source.address.socket_address.port_value`; 0 where there is none.
  package private(set) var sourcePort: UInt32 = 0
  /// `attributes.request.http.method`
  package private(set) var method = 0..<0
  /// `attributes.request.http.path`: with the query, as the client sent it.
  package private(set) var path = 0..<0
  /// `attributes.request.http.host`
  package private(set) var host = 0..<0
  /// `attributes.request.http.id`: Envoy's request id.
  package private(set) var id = 0..<0
  /// `attributes.request.http.size`: the body's length by content-length; −1 where unknown.
  package private(set) var size: Int64 = 0
  /// `attributes.request.http.body`: the body as text.
  package private(set) var body = 0..<0
  /// `attributes.request.http.raw_body`: the body as bytes, with `pack_as_bytes`.
  package private(set) var rawBody = 0..<0
  /// `attributes.request.http.header_map`: a `HeaderMap`, with `encode_raw_headers`.
  package private(set) var headerMap: Range<Int>?
  /// `attributes.metadata_context`: a `Metadata`.
  package private(set) var metadata: Range<Int>?
  /// The `HttpRequest` message, for its `headers` map.
  @usableFromInline private(set) var http: Range<Int>?

  /// Reads a whole message. Throws where it is not valid protobuf, or where a message that protobuf
  /// would merge is given twice.
  package init(_ bytes: Span<UInt8>) throws(WireError) {
    var reader = WireReader(0..<bytes.count)
    var attributes: Range<Int>?
    while let field = try reader.next(in: bytes) {
      guard field.number == 1 else { continue }
      guard attributes == nil else { throw .repeated(field: 1) }
      attributes = try field.content()
    }
    if let attributes { try readAttributes(in: bytes, attributes) }
  }

  /// Calls `visit` for every entry of the `headers` map (`headers = 3`) with the ranges of its name and
  /// value. Names are lowercase; Envoy has joined repeated headers with commas.
  @inlinable @inline(__always)
  package func forEachHeader(
    in bytes: Span<UInt8>, _ visit: (_ name: Range<Int>, _ value: Range<Int>) -> Void
  ) throws(WireError) {
    guard let http else { return }
    try StructFields.forEachEntry(ofMap: 3, in: bytes, http) { (key, value) throws(WireError) in
      visit(key, value)
    }
  }

  /// `AttributeContext {source = 1, request = 4, metadata_context = 11}`.
  private mutating func readAttributes(
    in bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(WireError) {
    var reader = WireReader(range)
    var source: Range<Int>?
    var request: Range<Int>?
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: try Self.once(&source, field)
      case 4: try Self.once(&request, field)
      case 11: try Self.once(&metadata, field)
      default: break
      }
    }
    if let source { try readSource(in: bytes, source) }
    guard let request else { return }
    var fields = WireReader(request)
    while let field = try fields.next(in: bytes) {
      if field.number == 2 { try Self.once(&http, field) }
    }
    if let http { try readHTTP(in: bytes, http) }
  }

  /// `Peer {address = 1, principal = 4}`, `Address {socket_address = 1}`, `SocketAddress {address = 2,
  /// port_value = 3}`.
  private mutating func readSource(
    in bytes: Span<UInt8>, _ source: Range<Int>
  ) throws(WireError) {
    var address: Range<Int>?
    var peer = WireReader(source)
    while let field = try peer.next(in: bytes) {
      switch field.number {
      case 1: try Self.once(&address, field)
      case 4: principal = try field.content()
      default: break
      }
    }
    guard let address else { return }
    var socket: Range<Int>?
    var members = WireReader(address)
    while let field = try members.next(in: bytes) {
      switch field.number {
      case 1: try Self.once(&socket, field)
      // Another member of the oneof replaces it: the last one counts.
      case 2, 3: socket = nil
      default: break
      }
    }
    guard let socket else { return }
    var fields = WireReader(socket)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 2: sourceAddress = try field.content()
      case 3: sourcePort = UInt32(truncatingIfNeeded: try field.varint())
      // `named_port` is the oneof's other member.
      case 4: sourcePort = 0
      default: break
      }
    }
  }

  private mutating func readHTTP(in bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
    var reader = WireReader(range)
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: id = try field.content()
      case 2: method = try field.content()
      case 4: path = try field.content()
      case 5: host = try field.content()
      case 9: size = Int64(bitPattern: try field.varint())
      case 11: body = try field.content()
      case 12: rawBody = try field.content()
      case 13: try Self.once(&headerMap, field)
      default: break
      }
    }
  }

  private static func once(_ place: inout Range<Int>?, _ field: WireField) throws(WireError) {
    guard place == nil else { throw .repeated(field: field.number) }
    place = try field.content()
  }
}
