import Bytes
import EnvoyAPI

/// One reply of every kind that the encoder can write. What each must say stands in the Python
/// test that parses it.
enum Replies {
  struct Reply {
    var name: String
    var bytes: [UInt8]
  }

  static func all() -> [Reply] {
    var replies: [Reply] = []
    for phase in ProcessingPhase.allCases {
      replies.append(reply("continue-\(phase.responseField)") { continuation(phase, &$0) })
      replies.append(reply("mutation-\(phase.responseField)") { mutation(phase, &$0) })
    }
    for phase in [ProcessingPhase.requestBody, .responseBody] {
      replies += bodies(phase)
    }
    replies.append(reply("immediate", immediate))
    replies.append(reply("metadata", metadata))
    replies += [0, 1, 127, 128, 4000, 4095, 4096, 16383, 16384, 65535, 65536, 3_000_000].map {
      size in
      reply("header-\(size)") { writer in
        let value = [UInt8](repeating: UInt8(ascii: "v"), count: size)
        let start = writer.mark
        writer.setHeader(HeaderMutationField.setHeaders, bytes("x-long"), value)
        writer.close(CommonResponseField.headerMutation, since: start)
        writer.closeCommonResponse(.requestHeaders, since: start)
      }
    }
    replies.append(reply("allowed", allowed))
    replies.append(reply("denied", denied))
    return replies
  }

  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func reply(_ name: String, _ write: (inout WireWriter) -> Void) -> Reply {
    var writer = WireWriter()
    write(&writer)
    return Reply(name: name, bytes: writer.bytes)
  }

  /// Nothing but the case of the oneof.
  private static func continuation(_ phase: ProcessingPhase, _ writer: inout WireWriter) {
    let start = writer.mark
    switch phase {
    case .requestTrailers, .responseTrailers: writer.close(phase.responseField, since: start)
    default: writer.closeCommonResponse(phase, since: start)
    }
  }

  /// Headers set and removed; route cache cleared where there is such a field.
  private static func mutation(_ phase: ProcessingPhase, _ writer: inout WireWriter) {
    let start = writer.mark
    switch phase {
    case .requestTrailers, .responseTrailers:
      headerMutation(&writer)
      writer.close(1, since: start)
      writer.close(phase.responseField, since: start)
    default:
      writer.field(CommonResponseField.clearRouteCache, 1)
      let mutation = writer.mark
      headerMutation(&writer)
      writer.close(CommonResponseField.headerMutation, since: mutation)
      writer.closeCommonResponse(phase, since: start)
    }
  }

  private static func headerMutation(_ writer: inout WireWriter) {
    writer.field(HeaderMutationField.removeHeaders, bytes("x-last"))
    writer.field(HeaderMutationField.removeHeaders, bytes("authorization"))
    writer.setHeader(HeaderMutationField.setHeaders, bytes("x-bytes"), [0, 0xff, 0x80, 0x0a])
    writer.setHeader(HeaderMutationField.setHeaders, bytes("x-ai-tenant"), bytes("tenant-a"))
  }

  private static func bodies(_ phase: ProcessingPhase) -> [Reply] {
    let number = phase.responseField
    let whole = reply("body-\(number)") { writer in
      body(phase, &writer) { $0.field(BodyMutationField.body, bytes("{\"a\":1}")) }
    }
    let cleared = reply("clear-\(number)") { writer in
      body(phase, &writer) { $0.field(BodyMutationField.clearBody, 1) }
    }
    let streamed = reply("streamed-\(number)") { writer in
      body(phase, &writer) { writer in
        let piece = writer.mark
        writer.field(BodyMutationField.streamedEndOfStream, 1)
        writer.field(BodyMutationField.streamedBody, bytes("piece"))
        writer.close(BodyMutationField.streamedResponse, since: piece)
      }
    }
    return [whole, cleared, streamed] + [1, 127, 128, 200_000].map { tail(phase, count: $0) }
  }

  private static func body(
    _ phase: ProcessingPhase, _ writer: inout WireWriter, _ write: (inout WireWriter) -> Void
  ) {
    let start = writer.mark
    write(&writer)
    writer.close(CommonResponseField.bodyMutation, since: start)
    writer.closeCommonResponse(phase, since: start)
  }

  /// A streamed body whose bytes never pass through the writer. The writer was used before.
  private static func tail(_ phase: ProcessingPhase, count: Int) -> Reply {
    var writer = WireWriter()
    writer.field(1, [UInt8](repeating: 1, count: 100_000))
    writer.reset(tail: count)
    writer.close(BodyMutationField.streamedBody, since: 0)
    writer.close(BodyMutationField.streamedResponse, since: 0)
    writer.close(CommonResponseField.bodyMutation, since: 0)
    writer.closeCommonResponse(phase, since: 0)
    dynamicMetadata(ProcessingResponseField.dynamicMetadata, &writer)
    let body = [UInt8](repeating: UInt8(ascii: "t"), count: count)
    return Reply(name: "tail-\(phase.responseField)-\(count)", bytes: writer.bytes + body)
  }

  private static func immediate(_ writer: inout WireWriter) {
    writer.field(ImmediateResponseField.details, bytes("rate_limit_exceeded"))
    let grpc = writer.mark
    writer.field(1, 8)
    writer.close(ImmediateResponseField.grpcStatus, since: grpc)
    writer.field(ImmediateResponseField.body, bytes("{\"error\":{}}"))
    let headers = writer.mark
    headerMutation(&writer)
    writer.close(ImmediateResponseField.headers, since: headers)
    let status = writer.mark
    writer.field(1, 429)
    writer.close(ImmediateResponseField.status, since: status)
    writer.close(ProcessingResponseField.immediateResponse, since: 0)
  }

  /// The namespace and its members, as they go to the access log.
  private static func dynamicMetadata(_ field: Int, _ writer: inout WireWriter) {
    let start = writer.mark
    let entry = writer.mark
    let value = writer.mark
    writer.structEntry(bytes("tenant"), string: bytes("tenant-a"))
    writer.structEntry(bytes("empty"), string: [])
    writer.structEntry(bytes("stream"), bool: true)
    writer.structEntry(bytes("cut"), bool: false)
    writer.structEntry(bytes("cost_usd"), number: 0.00125)
    writer.structEntry(bytes("zero"), number: 0)
    writer.structEntry(bytes("minus"), number: -1e300)
    writer.close(5, since: value)
    writer.closeStructEntry(bytes("tollgate"), since: entry)
    writer.close(field, since: start)
  }

  private static func metadata(_ writer: inout WireWriter) {
    dynamicMetadata(ProcessingResponseField.dynamicMetadata, &writer)
    let start = writer.mark
    writer.closeCommonResponse(.requestHeaders, since: start)
  }

  private static func allowed(_ writer: inout WireWriter) {
    dynamicMetadata(CheckResponseField.dynamicMetadata, &writer)
    let response = writer.mark
    writer.setHeader(OkResponseField.responseHeadersToAdd, bytes("x-out"), bytes("3"))
    writer.field(OkResponseField.headersToRemove, bytes("authorization"))
    writer.setHeader(OkResponseField.headers, bytes("x-ai-tenant"), bytes("tenant-a"))
    writer.close(CheckResponseField.okResponse, since: response)
    let status = writer.mark
    writer.close(CheckResponseField.status, since: status)
  }

  private static func denied(_ writer: inout WireWriter) {
    let response = writer.mark
    writer.field(DeniedResponseField.body, bytes("{\"error\":{}}"))
    writer.setHeader(DeniedResponseField.headers, bytes("content-type"), bytes("application/json"))
    let http = writer.mark
    writer.field(1, 401)
    writer.close(DeniedResponseField.status, since: http)
    writer.close(CheckResponseField.deniedResponse, since: response)
    let status = writer.mark
    writer.field(2, bytes("invalid_api_key"))
    writer.field(1, 16)
    writer.close(CheckResponseField.status, since: status)
  }
}
