import Bytes
import EnvoyAPI
import Policy
import Terms

/// The replies of ext_proc, written into a loop's writer. Fields come back to front (see
/// `WireWriter`): what is said first here stands last on the wire.
enum ProcessingReplies {
  /// CONTINUE to a headers or body phase, nothing changed.
  static func proceed(
    _ phase: ProcessingPhase, metadata: UsageMetadata? = nil, _ writer: inout WireWriter
  ) {
    writer.reset()
    switch phase {
    case .requestTrailers, .responseTrailers: writer.close(phase.responseField, since: 0)
    case .requestHeaders, .responseHeaders, .requestBody, .responseBody:
      writer.closeCommonResponse(phase, since: 0)
    }
    metadata?.write(&writer)
  }

  /// CONTINUE with another body in place of this message's, sent behind this; none where it is empty.
  static func replaceBody(
    _ phase: ProcessingPhase, bytes: Int, metadata: UsageMetadata?, _ writer: inout WireWriter
  ) {
    writer.reset(tail: bytes)
    if bytes > 0 {
      writer.close(BodyMutationField.body, since: 0)
    } else {
      writer.field(BodyMutationField.clearBody, 1)
    }
    writer.close(CommonResponseField.bodyMutation, since: 0)
    writer.closeCommonResponse(phase, since: 0)
    metadata?.write(&writer)
  }

  /// CONTINUE to trailers, with what must not go on taken out.
  static func trailers(
    _ phase: ProcessingPhase, removing names: HeaderNameList, in bytes: Span<UInt8>,
    metadata: UsageMetadata? = nil, _ writer: inout WireWriter
  ) {
    writer.reset()
    if names.count > 0 {
      names.visitAll { writer.field(HeaderMutationField.removeHeaders, bytes.extracting($0)) }
      writer.close(1, since: 0)
    }
    writer.close(phase.responseField, since: 0)
    metadata?.write(&writer)
  }

  /// CONTINUE to the request's headers with what must not go on taken out; the body decides later.
  static func hygiene(_ removals: borrowing Removals, _ writer: inout WireWriter) {
    writer.reset()
    if !removals.encoded.isEmpty {
      // The route may have been chosen by what is taken out, and a request without a body gets no
      // other reply.
      writer.field(CommonResponseField.clearRouteCache, 1)
      let mutation = writer.mark
      writer.raw(removals.encoded)
      writer.close(CommonResponseField.headerMutation, since: mutation)
    }
    writer.closeCommonResponse(.requestHeaders, since: 0)
  }

  /// The headers of an admitted request, as set_headers entries of a HeaderMutation.
  static func admissionHeaders(
    _ route: ChosenRoute, _ identity: Identity, requestID: [UInt8],
    _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    let set = HeaderMutationField.setHeaders
    if let path = route.path { writer.setHeader(set, HeaderName.path, path) }
    prepared.headers(of: identity.tenant, &writer)
    writer.setHeader(set, HeaderName.subject, identity.subject)
    writer.setHeader(set, HeaderName.requestID, requestID)
    writer.setHeader(set, HeaderName.modelRoute, route.name.bytes)
    guard let model = route.model else {
      // Removed even if they were not in the request: `forward_rules` may have hidden them from us.
      for name in HeaderName.ofModel { writer.field(HeaderMutationField.removeHeaders, name) }
      return
    }
    prepared.headers(of: model, &writer)
    writer.setHeader(set, HeaderName.stream, route.isStream ? yes : no)
  }

  /// Dynamic metadata of a decision: the entries of `{tollgate: {…}}`, without the outer field.
  static func metadata(
    _ decision: Decision, _ prepared: borrowing PreparedReplies,
    _ writer: inout WireWriter
  ) {
    let own = writer.mark
    if let code = decision.refusal {
      writer.structEntry(MetadataKey.decision, string: MetadataKey.deny)
      writer.structEntry(MetadataKey.reason, string: Array(code.rawValue.utf8))
    } else {
      writer.structEntry(MetadataKey.decision, string: MetadataKey.allow)
    }
    writer.structEntry(MetadataKey.requestID, string: decision.requestID)
    if let route = decision.route {
      writer.structEntry(MetadataKey.stream, bool: route.isStream)
      if let model = route.model { prepared.metadata(of: model, &writer) }
      writer.structEntry(MetadataKey.modelRoute, string: route.name.bytes)
    }
    if let identity = decision.identity {
      if let key = identity.key { writer.structEntry(MetadataKey.keyID, string: key.id.bytes) }
      writer.structEntry(MetadataKey.subject, string: identity.subject)
      prepared.metadata(of: identity.tenant, &writer)
    }
    writer.close(5, since: own)
    writer.closeStructEntry(MetadataKey.namespace, since: own)
  }

  /// The verdict that lets a request go on: headers set with overwrite, the route cache cleared, the
  /// decision in dynamic metadata.
  /// - Parameter bodyBytes: the length of the body that replaces the request's, sent behind this.
  static func admit(
    _ phase: ProcessingPhase, _ decision: Decision, _ route: ChosenRoute,
    _ identity: Identity, removals: [UInt8], bodyBytes: Int?,
    _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    writer.reset(tail: bodyBytes ?? 0)
    if let bodyBytes {
      writer.close(BodyMutationField.body, since: 0)
      writer.close(CommonResponseField.bodyMutation, since: 0)
      let headers = writer.mark
      writer.setHeader(
        HeaderMutationField.setHeaders, HeaderName.contentLength, Array(String(bodyBytes).utf8))
      admissionHeaders(route, identity, requestID: decision.requestID, prepared, &writer)
      writer.close(CommonResponseField.headerMutation, since: headers)
    } else {
      admissionHeaders(
        route, identity, requestID: decision.requestID, prepared, &writer)
      writer.raw(removals)
      writer.close(CommonResponseField.headerMutation, since: 0)
    }
    writer.field(CommonResponseField.clearRouteCache, 1)
    writer.closeCommonResponse(phase, since: 0)
    dynamicMetadata(decision, prepared, &writer)
  }

  /// A piece of a full-duplex body; its bytes are sent behind this.
  static func streamedBody(
    _ phase: ProcessingPhase, bytes: Int, endOfStream: Bool, metadata: UsageMetadata? = nil,
    _ writer: inout WireWriter
  ) {
    writer.reset(tail: bytes)
    writer.close(BodyMutationField.streamedBody, since: 0)
    if endOfStream { writer.field(BodyMutationField.streamedEndOfStream, 1) }
    writer.close(BodyMutationField.streamedResponse, since: 0)
    writer.close(CommonResponseField.bodyMutation, since: 0)
    writer.closeCommonResponse(phase, since: 0)
    metadata?.write(&writer)
  }

  /// CONTINUE to the response's headers of an admitted exchange.
  /// - Parameter room: what Envoy would still take. An answer that has none left goes without ours,
  ///   which first drops the limits, then the route, then the ids.
  static func beginResponse(
    _ decision: Decision, _ limits: RateLimitHeaders?,
    room: HeaderRoom, metadata: UsageMetadata?, _ writer: inout WireWriter
  ) {
    writer.reset()
    let set = HeaderMutationField.setHeaders
    var left = room
    for name in HeaderName.ofResponseID(anthropic: decision.isAnthropic)
    where left.take(bytes: name.utf8CodeUnitCount + decision.requestID.count) {
      writer.setHeader(set, name, decision.requestID)
    }
    if let route = decision.route,
      left.take(bytes: HeaderName.modelRoute.utf8CodeUnitCount + route.name.bytes.count)
    {
      writer.setHeader(set, HeaderName.modelRoute, route.name.bytes)
    }
    // All or none: some of them would say something else than all.
    if let limits {
      let before = writer.mark
      var (fields, bytes) = (0, 0)
      limits.visitAll { name, value in
        writer.setHeader(set, name, value)
        fields += 1
        bytes += name.utf8CodeUnitCount + value.count
      }
      if !left.take(fields: fields, bytes: bytes) { writer.cut(to: before) }
    }
    if writer.mark > 0 { writer.close(CommonResponseField.headerMutation, since: 0) }
    writer.closeCommonResponse(.responseHeaders, since: 0)
    metadata?.write(&writer)
  }

  /// An ImmediateResponse with a refusal, in the dialect of the path.
  static func refuse(
    _ refusal: Refusal, _ decision: Decision,
    _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    let id = String(decoding: decision.requestID, as: UTF8.self)
    writer.reset()
    writer.field(ImmediateResponseField.details, Array("tollgate_\(refusal.code.rawValue)".utf8))
    if decision.isGRPC {
      let status = writer.mark
      writer.field(1, refusal.code.grpcStatus)
      writer.close(ImmediateResponseField.grpcStatus, since: status)
    }
    writer.field(
      ImmediateResponseField.body, refusal.body(anthropic: decision.isAnthropic, requestID: id))
    let headers = writer.mark
    for header in refusal.headers.reversed() {
      writer.setHeader(HeaderMutationField.setHeaders, header.name, header.value)
    }
    jsonHeaders(decision, &writer)
    writer.close(ImmediateResponseField.headers, since: headers)
    status(refusal.code.status, &writer)
    writer.close(ProcessingResponseField.immediateResponse, since: 0)
    dynamicMetadata(decision, prepared, &writer)
  }

  /// An ImmediateResponse 200 with an answer of our own.
  static func answer(
    _ body: [UInt8], _ decision: Decision, _ prepared: borrowing PreparedReplies,
    _ writer: inout WireWriter
  ) {
    writer.reset()
    writer.field(ImmediateResponseField.details, Array("tollgate_answer".utf8))
    writer.field(ImmediateResponseField.body, body)
    let headers = writer.mark
    jsonHeaders(decision, &writer)
    writer.close(ImmediateResponseField.headers, since: headers)
    status(200, &writer)
    writer.close(ProcessingResponseField.immediateResponse, since: 0)
    dynamicMetadata(decision, prepared, &writer)
  }

  private static func jsonHeaders(_ decision: Decision, _ writer: inout WireWriter) {
    responseID(decision, &writer)
    writer.setHeader(HeaderMutationField.setHeaders, HeaderName.contentType, json)
  }

  /// The request's id for the client, under the names that it looks for.
  private static func responseID(_ decision: Decision, _ writer: inout WireWriter) {
    let set = HeaderMutationField.setHeaders
    for name in HeaderName.ofResponseID(anthropic: decision.isAnthropic) {
      writer.setHeader(set, name, decision.requestID)
    }
  }

  private static func status(_ code: Int, _ writer: inout WireWriter) {
    let status = writer.mark
    writer.field(1, UInt64(code))
    writer.close(ImmediateResponseField.status, since: status)
  }

  private static func dynamicMetadata(
    _ decision: Decision, _ prepared: borrowing PreparedReplies,
    _ writer: inout WireWriter
  ) {
    let metadata = writer.mark
    self.metadata(decision, prepared, &writer)
    writer.close(ProcessingResponseField.dynamicMetadata, since: metadata)
  }

  static let json: StaticString = "application/json"
  static let yes: StaticString = "true"
  static let no: StaticString = "false"
}

/// The headers that must not go on, as encoded `remove_headers` entries.
struct Removals {
  let encoded: [UInt8]

  /// - Parameter removesAcceptEncoding: the path is metered; a compressed response could not be.
  init(
    _ head: RequestHead, in bytes: Span<UInt8>, removesAcceptEncoding: Bool,
    _ writer: inout WireWriter
  ) {
    writer.reset()
    Self.forEach(head, removesAcceptEncoding: removesAcceptEncoding) {
      writer.field(HeaderMutationField.removeHeaders, bytes.extracting($0))
    }
    encoded = writer.mark == 0 ? [] : writer.bytes
  }

  /// Visits the names that were seen: of headers that steer, of credentials, accept-encoding.
  static func forEach(
    _ head: RequestHead, removesAcceptEncoding: Bool, _ visit: (Range<Int>) -> Void
  ) {
    head.steering.visitAll(visit)
    head.secrets.visitAll(visit)
    if removesAcceptEncoding { head.acceptEncodings.visitAll(visit) }
  }
}
