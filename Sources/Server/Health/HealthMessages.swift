/// grpc.health.v1's two messages, by hand: one field each.
package enum HealthMessages {
  /// HealthCheckResponse.ServingStatus.
  package enum ServingStatus: UInt8, Sendable {
    case unknown = 0
    case serving = 1
    case notServing = 2
    case serviceUnknown = 3
  }

  /// The longest HealthCheckRequest that is read.
  package static let requestBytesMax = 4096

  /// HealthCheckRequest.service (field 1, string; the last one counts); nil where the bytes are no such message.
  package static func service(inRequest bytes: Span<UInt8>) -> String? {
    var reader = FieldReader(count: bytes.count)
    var service = ""
    while !reader.isAtEnd {
      guard let tag = reader.varint(bytes), tag >> 3 != 0 else { return nil }
      if tag == 1 << 3 | 2 {
        guard let range = reader.lengthDelimited(bytes) else { return nil }
        let text = range.map { bytes[$0] }
        guard let valid = String(validating: text, as: UTF8.self) else { return nil }
        service = valid
      } else if tag >> 3 == 1 || !reader.skip(wireType: tag & 7, bytes) {
        return nil
      }
    }
    return service
  }

  /// HealthCheckRequest with that service.
  package static func request(service: String) -> [UInt8] {
    let text = Array(service.utf8)
    if text.isEmpty { return [] }
    precondition(text.count < 128, "services' names are short")
    return [1 << 3 | 2, UInt8(text.count)] + text
  }

  /// HealthCheckResponse.status (field 1, enum). Zero is written too: some readers show an empty message as nothing.
  package static func response(_ status: ServingStatus) -> [UInt8] {
    [1 << 3, status.rawValue]
  }

  /// HealthCheckResponse.status; nil where the bytes are no such message.
  package static func status(inResponse bytes: Span<UInt8>) -> ServingStatus? {
    var reader = FieldReader(count: bytes.count)
    var status = ServingStatus.unknown
    while !reader.isAtEnd {
      guard let tag = reader.varint(bytes), tag >> 3 != 0 else { return nil }
      if tag == 1 << 3 {
        guard let value = reader.varint(bytes) else { return nil }
        status = UInt8(exactly: value).flatMap(ServingStatus.init) ?? .unknown
      } else if tag >> 3 == 1 || !reader.skip(wireType: tag & 7, bytes) {
        return nil
      }
    }
    return status
  }
}

/// Walks over a protobuf message's fields. Holds a place, not the bytes.
private struct FieldReader {
  private var place = 0
  private let count: Int

  init(count: Int) {
    self.count = count
  }

  var isAtEnd: Bool { place == count }

  /// At most ten bytes, as protobuf's encoding has it.
  mutating func varint(_ bytes: Span<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 70, place < count {
      let byte = bytes[place]
      place += 1
      if shift == 63, byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  mutating func lengthDelimited(_ bytes: Span<UInt8>) -> Range<Int>? {
    guard let length = varint(bytes), length <= UInt64(count - place) else { return nil }
    let start = place
    place += Int(length)
    return start..<place
  }

  /// Groups are refused: no message of today has them.
  mutating func skip(wireType: UInt64, _ bytes: Span<UInt8>) -> Bool {
    switch wireType {
    case 0: return varint(bytes) != nil
    case 1: return advance(8)
    case 2: return lengthDelimited(bytes) != nil
    case 5: return advance(4)
    default: return false
    }
  }

  private mutating func advance(_ distance: Int) -> Bool {
    guard count - place >= distance else { return false }
    place += distance
    return true
  }
}
