import CEnvoyAPI
import CProtobufC

/// What protobuf-c reads with the generated code; nil where it refuses.
enum Oracle {
  static func processing(_ message: [UInt8]) -> ProcessingReading? {
    // The message is alive for the call, and protobuf-c copies all it keeps.
    let unpacked = unsafe message.withUnsafeBufferPointer {
      unsafe envoy__service__ext_proc__v3__processing_request__unpack(
        nil, $0.count, $0.baseAddress)
    }
    guard let unpacked = unsafe unpacked else { return nil }
    defer {
      unsafe envoy__service__ext_proc__v3__processing_request__free_unpacked(unpacked, nil)
    }
    let request = unsafe unpacked.pointee
    var reading = ProcessingReading()
    unsafe readPart(of: request, into: &reading)
    reading.observabilityMode = unsafe request.observability_mode != 0
    if let context = unsafe request.metadata_context {
      reading.metadata = unsafe metadata(context.pointee)
    }
    for index in unsafe 0..<request.n_attributes {
      guard let entry = unsafe request.attributes[index] else { continue }
      guard unsafe text(entry.pointee.key) == Array("envoy.filters.http.ext_proc".utf8) else {
        continue
      }
      reading.attributes = unsafe structure(entry.pointee.value)
    }
    if let modes = unsafe request.protocol_config {
      reading.modes = unsafe [
        Int(modes.pointee.request_body_mode.rawValue),
        Int(modes.pointee.response_body_mode.rawValue),
      ].map { (0...5).contains($0) ? $0 : -1 }
    }
    return reading
  }

  private static func readPart(
    of request: Envoy__Service__ExtProc__V3__ProcessingRequest,
    into reading: inout ProcessingReading
  ) {
    let phase = unsafe Int(request.request_case.rawValue)
    reading.phase = phase == 0 ? nil : phase
    switch phase {
    case 2, 3:
      guard let part = unsafe phase == 2 ? request.request_headers : request.response_headers
      else { return }
      reading.headers = unsafe headers(part.pointee.headers) ?? []
      reading.endOfStream = unsafe part.pointee.end_of_stream != 0
    case 4, 5:
      guard let part = unsafe phase == 4 ? request.request_body : request.response_body
      else { return }
      reading.body = unsafe bytes(part.pointee.body)
      reading.endOfStream = unsafe part.pointee.end_of_stream != 0
      reading.endOfStreamWithoutMessage =
        unsafe part.pointee.end_of_stream_without_message != 0
    case 6, 7:
      guard let part = unsafe phase == 6 ? request.request_trailers : request.response_trailers
      else { return }
      reading.headers = unsafe headers(part.pointee.trailers) ?? []
    default: break
    }
  }

  static func check(_ message: [UInt8]) -> CheckReading? {
    // As above.
    let unpacked = unsafe message.withUnsafeBufferPointer {
      unsafe envoy__service__auth__v3__check_request__unpack(nil, $0.count, $0.baseAddress)
    }
    guard let unpacked = unsafe unpacked else { return nil }
    defer { unsafe envoy__service__auth__v3__check_request__free_unpacked(unpacked, nil) }
    var reading = CheckReading()
    guard let attributes = unsafe unpacked.pointee.attributes else { return reading }
    if let source = unsafe attributes.pointee.source {
      reading.principal = unsafe text(source.pointee.principal)
      if let address = unsafe source.pointee.address?.pointee,
        unsafe address.address_case.rawValue == 1,
        let socket = unsafe address.socket_address?.pointee
      {
        reading.sourceAddress = unsafe text(socket.address)
        reading.sourcePort = unsafe socket.port_value
      }
    }
    if let context = unsafe attributes.pointee.metadata_context {
      reading.metadata = unsafe metadata(context.pointee)
    }
    guard let http = unsafe attributes.pointee.request?.pointee.http?.pointee else {
      return reading
    }
    reading.method = unsafe text(http.method)
    reading.path = unsafe text(http.path)
    reading.host = unsafe text(http.host)
    reading.id = unsafe text(http.id)
    reading.size = unsafe http.size
    reading.body = unsafe text(http.body)
    reading.rawBody = unsafe bytes(http.raw_body)
    for index in unsafe 0..<http.n_headers {
      guard let entry = unsafe http.headers[index] else { continue }
      reading.headers.append(
        unsafe Header(name: text(entry.pointee.key), value: text(entry.pointee.value)))
    }
    reading.headerMap = unsafe headers(http.header_map)
    return reading
  }

  private static func text(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text = unsafe text else { return [] }
    // protobuf-c ends every string with a NUL of its own.
    var bytes: [UInt8] = []
    while case let byte = unsafe text[bytes.count], byte != 0 {
      bytes.append(UInt8(bitPattern: byte))
    }
    return bytes
  }

  private static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: data.data, count: data.len))
  }

  private static func headers(
    _ map: UnsafePointer<Envoy__Config__Core__V3__HeaderMap>?
  ) -> [Header]? {
    guard let map = unsafe map?.pointee else { return nil }
    return unsafe (0..<map.n_headers).compactMap { index in
      guard let header = unsafe map.headers[index]?.pointee else { return nil }
      let value = unsafe bytes(header.raw_value)
      return unsafe Header(
        name: text(header.key), value: value.isEmpty ? text(header.value) : upToNUL(value))
    }
  }

  private static func metadata(
    _ context: Envoy__Config__Core__V3__Metadata
  ) -> [[UInt8]: Tree] {
    var namespaces: [[UInt8]: Tree] = [:]
    for index in unsafe 0..<context.n_filter_metadata {
      guard let entry = unsafe context.filter_metadata[index]?.pointee else { continue }
      unsafe namespaces[text(entry.key)] = structure(entry.value)
    }
    return namespaces
  }

  private static func structure(_ message: UnsafePointer<Google__Protobuf__Struct>?) -> Tree {
    guard let message = unsafe message?.pointee else { return .structure([:]) }
    var members: [[UInt8]: Tree] = [:]
    for index in unsafe 0..<message.n_fields {
      guard let entry = unsafe message.fields[index]?.pointee else { continue }
      unsafe members[text(entry.key)] = tree(entry.value)
    }
    return .structure(members)
  }

  private static func tree(_ value: UnsafePointer<Google__Protobuf__Value>?) -> Tree {
    guard let value = unsafe value?.pointee else { return .null }
    switch unsafe value.kind_case.rawValue {
    case 2: return unsafe .number(value.number_value.bitPattern)
    case 3: return unsafe .string(text(value.string_value))
    case 4: return unsafe .bool(value.bool_value != 0)
    case 5: return unsafe structure(value.struct_value)
    case 6:
      guard let list = unsafe value.list_value?.pointee else { return .list([]) }
      return unsafe .list((0..<list.n_values).map { unsafe tree(list.values[$0]) })
    default: return .null
    }
  }
}
