import EnvoyAPI
import Policy
import Transport

/// The response's half of an exchange.
extension ExtProcExchange {
  func beginResponse(_ stream: ExchangeStream) {
    ProcessingReplies.beginResponse(
      routeName: decision.admission?.routeName.bytes, requestID: decision.requestID, &loop.writer)
    stream.reply(loop.writer)
  }

  /// No request phase, and nothing that tells Envoy's own answer from a backend's: were request
  /// headers not sent to us at all, a client's own x-ai-model-route would choose the route.
  private func reportUnattributed() {
    loop.log.report(
      .warning,
      "a response passed without its request, and Envoy did not say whose it is. See that ext_proc's "
        + "request_header_mode is SEND, and list response.code_details in its response_attributes.")
  }

  private static let codeDetails: StaticString = "response.code_details"
  private static let viaUpstream: StaticString = "via_upstream"

  /// A response without an admission: Envoy's own answer (the request was too large for its buffer,
  /// refused by another filter, of a route we never saw) passes; a backend's must not have happened.
  /// Where Envoy does not say which it is, a request that waited for its verdict decides: its answer
  /// is withheld.
  func judgeUnadmittedResponse(
    _ request: ProcessingRequest, in bytes: Span<UInt8>, _ stream: ExchangeStream
  ) {
    var details: Range<Int>?
    if let attributes = request.attributes {
      do throws(WireError) {
        details = try StructFields.string(Self.codeDetails, in: bytes, attributes)
      } catch {
        return fail(stream, GRPCFailure(.invalidArgument, "malformed attributes"))
      }
    }
    let isBackends: Bool
    if let details, !details.isEmpty {
      isBackends = bytes.extracting(details).elementsEqual(Self.viaUpstream)
    } else {
      isBackends = inspection != nil
      if decision.requestID.isEmpty { reportUnattributed() }
    }
    guard isBackends else {
      ProcessingReplies.proceed(.responseHeaders, &loop.writer)
      return stream.reply(loop.writer)
    }
    loop.log.report(
      .error,
      "a backend answered a request that was never admitted; the answer is withheld. "
        + "See that Envoy's ext_proc filter sends request headers and bodies "
        + "and that every model route matches on x-ai-model-route.")
    if decision.requestID.isEmpty { decision.requestID = loop.nextRequestID() }
    machine.refused()
    refuse(
      Refusal(.gatewayMisconfigured, "The request was answered without having been admitted."),
      stream)
  }
}
