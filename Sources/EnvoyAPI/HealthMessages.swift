private import CEnvoyAPI
private import CProtobufC

/// Reads and writes the two messages of `grpc.health.v1`, by the generated code: they are rare and
/// small, so its allocations do not matter.
package enum HealthMessages {
  /// `HealthCheckResponse.ServingStatus`
  package enum ServingStatus: UInt8, Sendable {
    case unknown = 0
    case serving = 1
    case notServing = 2
    case serviceUnknown = 3
  }

  /// The most bytes of a HealthCheckRequest that is accepted.
  package static let requestBytesMax = 4096

  /// Reads `HealthCheckRequest.service`; nil where the bytes are not such a message.
  package static func service(inRequest bytes: Span<UInt8>) -> String? {
    // protobuf-c allocates the message; it is freed after the text was copied out of it.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard
        let message = unsafe grpc__health__v1__health_check_request__unpack(
          nil, buffer.count, buffer.baseAddress)
      else { return nil }
      defer { unsafe grpc__health__v1__health_check_request__free_unpacked(message, nil) }
      guard let service = unsafe message.pointee.service else { return "" }
      return unsafe String(validatingCString: service)
    }
  }

  /// Writes a HealthCheckRequest for a service; "" is the server as a whole.
  package static func request(service: String) -> [UInt8] {
    var text = Array(service.utf8CString)
    // The text outlives the packing; the message borrows it.
    return unsafe text.withUnsafeMutableBufferPointer { text in
      var message = unsafe Grpc__Health__V1__HealthCheckRequest()
      unsafe grpc__health__v1__health_check_request__init(&message)
      unsafe message.service = text.baseAddress
      let size = unsafe grpc__health__v1__health_check_request__get_packed_size(&message)
      var packed = [UInt8](repeating: 0, count: size)
      unsafe grpc__health__v1__health_check_request__pack(&message, &packed)
      return packed
    }
  }

  /// Writes a HealthCheckResponse with a status. `.unknown`, 0, gives an empty message, because proto3
  /// leaves zeros out.
  package static func response(_ status: ServingStatus) -> [UInt8] {
    var message = unsafe Grpc__Health__V1__HealthCheckResponse()
    unsafe grpc__health__v1__health_check_response__init(&message)
    unsafe message.status = .init(rawValue: UInt32(status.rawValue))
    let size = unsafe grpc__health__v1__health_check_response__get_packed_size(&message)
    var packed = [UInt8](repeating: 0, count: size)
    // `packed` has room for what was just measured.
    unsafe grpc__health__v1__health_check_response__pack(&message, &packed)
    return packed
  }

  /// Reads `HealthCheckResponse.status`; nil where the bytes are not such a message. A value that this
  /// program does not know is `.unknown`.
  package static func status(inResponse bytes: Span<UInt8>) -> ServingStatus? {
    // As in `service(inRequest:)`.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard
        let message = unsafe grpc__health__v1__health_check_response__unpack(
          nil, buffer.count, buffer.baseAddress)
      else { return nil }
      defer { unsafe grpc__health__v1__health_check_response__free_unpacked(message, nil) }
      let status = unsafe message.pointee.status.rawValue
      return UInt8(exactly: status).flatMap(ServingStatus.init) ?? .unknown
    }
  }
}
