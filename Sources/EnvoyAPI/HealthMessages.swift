private import CEnvoyAPI
private import CProtobufC

/// `grpc.health.v1`'s two messages, by the generated code: they are rare, and small.
package enum HealthMessages {
  /// `HealthCheckResponse.ServingStatus`
  package enum ServingStatus: UInt8, Sendable {
    case unknown = 0
    case serving = 1
    case notServing = 2
    case serviceUnknown = 3
  }

  /// The longest HealthCheckRequest that is read.
  package static let requestBytesMax = 4096

  /// `HealthCheckRequest.service`; nil where the bytes are no such message.
  package static func service(inRequest bytes: Span<UInt8>) -> String? {
    // The message is protobuf-c's own copy until it is freed, after the text was taken from it.
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

  /// HealthCheckRequest with that service.
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

  /// HealthCheckResponse with that status. Zero is an empty message, as proto3 has it.
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

  /// `HealthCheckResponse.status`; nil where the bytes are no such message. A status that is not
  /// known is `.unknown`.
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
