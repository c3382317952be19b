import Bytes
import EnvoyAPI

/// A `ProcessingRequest` as EnvoyAPI reads it: whole, and put together from pieces.
enum ProcessingRequestReading {
  /// The piece sizes in which a message is also given to the assembler.
  private static let pieceSizes = [1, 2, 3, 7, 11, 12, 13, 64, 4096]

  /// What was read; `"pieces"` names the piece sizes at which something else came out.
  static func json(of message: [UInt8]) -> String {
    let whole = self.whole(message)
    let sizes = pieceSizes + [max(message.count, 1)]
    let differing = sizes.filter { assembled(message, pieceSize: $0) != whole }
    return object([("read", whole), ("pieces", array(differing.map(String.init)))])
  }

  private static func whole(_ message: [UInt8]) -> String {
    do {
      let request = try ProcessingRequest(message.span)
      return try describe(request, message, body: Array(message[request.body]))
    } catch {
      return failure(error)
    }
  }

  private static func assembled(_ message: [UInt8], pieceSize: Int) -> String {
    var assembler = ProcessingRequestAssembler()
    assembler.start(size: message.count)
    var handedOver: [UInt8]?
    do {
      for start in stride(from: 0, to: message.count, by: pieceSize) {
        let piece = Array(message[start..<min(start + pieceSize, message.count)])
        try assembler.add(piece.span) { _, bytes in
          var pieces = handedOver ?? []
          for index in bytes.indices { pieces.append(bytes[index]) }
          handedOver = pieces
        }
      }
      let body = handedOver
      return try assembler.finish { request, bytes in
        let rest = bytes.indices.map { bytes[$0] }
        do throws(WireError) {
          return try describe(request, rest, body: body ?? Array(rest[request.body]))
        } catch {
          return failure(error)
        }
      }
    } catch {
      return failure(error)
    }
  }

  private static func describe(
    _ request: ProcessingRequest, _ bytes: [UInt8], body: [UInt8]
  ) throws(WireError) -> String {
    var metadataJSON = "null"
    if let range = request.metadata { metadataJSON = try metadata(bytes, range) }
    var attributesJSON = "null"
    if let range = request.attributes { attributesJSON = try structure(bytes, range) }
    let modes = request.bodyModes.map { array([mode($0.request), mode($0.response)]) }
    return object([
      ("phase", request.phase.map { "\($0.rawValue)" } ?? "null"),
      ("headers", try headers(bytes, request.headers)),
      ("body", "\"\(hex(body))\""),
      ("end_of_stream", "\(request.endOfStream)"),
      ("end_of_stream_without_message", "\(request.endOfStreamWithoutMessage)"),
      ("metadata", metadataJSON),
      ("attributes", attributesJSON),
      ("observability_mode", "\(request.observabilityMode)"),
      ("modes", modes ?? "null"),
    ])
  }

  private static func mode(_ mode: BodyMode?) -> String { mode.map { "\($0.rawValue)" } ?? "null" }
}
