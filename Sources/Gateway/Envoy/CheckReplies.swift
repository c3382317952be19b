import Bytes
import EnvoyAPI
import Policy
import Terms

/// The answers of ext_authz, written into a loop's writer, back to front (see `WireWriter`).
///
/// Envoy sets `headers` first and takes `headers_to_remove` out afterwards: a name that is set is not
/// removed too.
enum CheckReplies {
  /// `OkHttpResponse` with the identity. Where everything was decided here, also with the route and with
  /// headers for the response, because no other filter may be there to set them.
  static func allow(
    _ head: RequestHead, in bytes: Span<UInt8>, names: PolicyHeaderNames,
    _ decision: Decision, _ rateLimits: RateLimitHeaders?,
    _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    writer.reset()
    dynamicMetadata(decision, prepared, &writer)
    let ok = writer.mark
    if let route = decision.route {
      let field = OkResponseField.responseHeadersToAdd
      rateLimits?.visitAll { name, value in header(field, name, value, &writer) }
      responseID(field, decision, &writer)
      header(field, HeaderName.modelRoute, route.name.bytes, &writer)
    }
    remove(head, in: bytes, names: names, decision, &writer)
    set(decision, &writer)
    writer.close(CheckResponseField.okResponse, since: ok)
    status(0, &writer)
  }

  /// A JWT's caller is left to ext_proc: no identity, and the token stays.
  static func `defer`(
    _ head: RequestHead, in bytes: Span<UInt8>, _ writer: inout WireWriter
  ) {
    writer.reset()
    head.steering.visitAll {
      writer.field(OkResponseField.headersToRemove, bytes.extracting($0))
    }
    routeRemoval(&writer)
    writer.close(CheckResponseField.okResponse, since: 0)
    status(0, &writer)
  }

  /// `DeniedHttpResponse` in the dialect of the path.
  static func deny(
    _ refusal: Refusal, _ decision: Decision,
    _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    let id = String(decoding: decision.requestID, as: UTF8.self)
    denied(
      refusal.code.status, grpc: refusal.code.grpcStatus,
      body: refusal.body(anthropic: decision.isAnthropic, requestID: id), headers: refusal.headers,
      decision,
      prepared, &writer)
  }

  /// An answer of our own: a denial with status 200, as ext_authz has no other way to answer.
  static func answer(
    _ body: [UInt8], _ decision: Decision, _ prepared: borrowing PreparedReplies,
    _ writer: inout WireWriter
  ) {
    denied(200, grpc: 7, body: body, headers: [], decision, prepared, &writer)
  }

  private static func denied(
    _ code: Int, grpc: UInt64, body: [UInt8], headers: [(name: [UInt8], value: [UInt8])],
    _ decision: Decision, _ prepared: borrowing PreparedReplies, _ writer: inout WireWriter
  ) {
    writer.reset()
    dynamicMetadata(decision, prepared, &writer)
    let denied = writer.mark
    writer.field(DeniedResponseField.body, body)
    for (name, value) in headers.reversed() {
      header(DeniedResponseField.headers, name, value, &writer)
    }
    responseID(DeniedResponseField.headers, decision, &writer)
    header(
      DeniedResponseField.headers, HeaderName.contentType, ProcessingReplies.json, &writer)
    let httpStatus = writer.mark
    writer.field(1, UInt64(code))
    writer.close(DeniedResponseField.status, since: httpStatus)
    writer.close(CheckResponseField.deniedResponse, since: denied)
    status(grpc, &writer)
  }

  private static func responseID(_ field: Int, _ decision: Decision, _ writer: inout WireWriter) {
    for name in HeaderName.ofResponseID(anthropic: decision.isAnthropic) {
      header(field, name, decision.requestID, &writer)
    }
  }

  private static func set(_ decision: Decision, _ writer: inout WireWriter) {
    guard let identity = decision.identity else { return }
    let field = OkResponseField.headers
    if let route = decision.route {
      if let model = route.model {
        let trafficClass = model.trafficClass
        header(
          field, HeaderName.stream,
          route.isStream ? ProcessingReplies.yes : ProcessingReplies.no,
          &writer)
        for name in HeaderName.inferenceObjectives {
          header(field, name, trafficClass.inferenceObjective.bytes, &writer)
        }
        header(field, HeaderName.trafficClass, trafficClass.name.bytes, &writer)
        header(field, HeaderName.gatewayModelName, model.name.bytes, &writer)
        header(field, HeaderName.model, model.name.bytes, &writer)
      }
      header(field, HeaderName.modelRoute, route.name.bytes, &writer)
      if let path = route.path { header(field, HeaderName.path, path, &writer) }
    }
    for name in HeaderName.fairnessIDs {
      header(field, name, identity.tenant.name.bytes, &writer)
    }
    header(field, HeaderName.requestID, decision.requestID, &writer)
    header(field, HeaderName.subject, identity.subject, &writer)
    header(field, HeaderName.tenant, identity.tenant.name.bytes, &writer)
  }

  /// Whether `set` writes the header.
  private static func sets(_ name: Span<UInt8>, _ decision: Decision) -> Bool {
    guard decision.identity != nil else { return false }
    if name.elementsEqual(HeaderName.modelRoute) { return decision.route != nil }
    return HeaderName.ofCaller.contains { name.elementsEqual($0) }
      || decision.route?.model != nil && HeaderName.ofModel.contains { name.elementsEqual($0) }
  }

  private static func remove(
    _ head: RequestHead, in bytes: Span<UInt8>, names: PolicyHeaderNames,
    _ decision: Decision, _ writer: inout WireWriter
  ) {
    // Where the verdict is ext_proc's, another filter may still have to verify a token before it.
    let keepsToken = names.hasToken && decision.route == nil
    Removals.forEach(head, removesAcceptEncoding: decision.isInspected) {
      let name = bytes.extracting($0)
      if sets(name, decision) { return }
      if keepsToken, name.elementsEqual(HeaderName.authorization) { return }
      writer.field(OkResponseField.headersToRemove, name)
    }
    if decision.route == nil { routeRemoval(&writer) }
    guard decision.route?.model == nil else { return }
    // Removed even if it was not in the request: `allowed_headers` may have hidden it from us.
    for name in HeaderName.ofModel { writer.field(OkResponseField.headersToRemove, name) }
  }

  /// Identity alone never reaches a model: the route header goes whether it was there or not, which
  /// also makes Envoy clear its route cache.
  private static func routeRemoval(_ writer: inout WireWriter) {
    writer.field(OkResponseField.headersToRemove, HeaderName.modelRoute)
  }

  /// A `HeaderValueOption` with `value = 2`: ext_authz reads no `raw_value` in its answers.
  @inline(__always)
  private static func header(
    _ field: Int, _ writer: inout WireWriter, valueAndName: (inout WireWriter) -> Void
  ) {
    let option = writer.mark
    writer.field(3, 2)
    let header = writer.mark
    valueAndName(&writer)
    writer.close(1, since: header)
    writer.close(field, since: option)
  }

  private static func header(
    _ field: Int, _ name: [UInt8], _ value: [UInt8], _ writer: inout WireWriter
  ) {
    header(field, &writer) { writer in
      writer.field(2, value)
      writer.field(1, name)
    }
  }

  private static func header(
    _ field: Int, _ name: StaticString, _ value: [UInt8], _ writer: inout WireWriter
  ) {
    header(field, &writer) { writer in
      writer.field(2, value)
      writer.field(1, name)
    }
  }

  private static func header(
    _ field: Int, _ name: StaticString, _ value: Span<UInt8>, _ writer: inout WireWriter
  ) {
    header(field, &writer) { writer in
      writer.field(2, value)
      writer.field(1, name)
    }
  }

  private static func header(
    _ field: Int, _ name: StaticString, _ value: StaticString, _ writer: inout WireWriter
  ) {
    header(field, &writer) { writer in
      writer.field(2, value)
      writer.field(1, name)
    }
  }

  private static func status(_ code: UInt64, _ writer: inout WireWriter) {
    let status = writer.mark
    if code != 0 { writer.field(1, code) }
    writer.close(CheckResponseField.status, since: status)
  }

  private static func dynamicMetadata(
    _ decision: Decision, _ prepared: borrowing PreparedReplies,
    _ writer: inout WireWriter
  ) {
    let metadata = writer.mark
    ProcessingReplies.metadata(decision, prepared, &writer)
    writer.close(CheckResponseField.dynamicMetadata, since: metadata)
  }
}
