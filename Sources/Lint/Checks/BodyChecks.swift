extension Checks {
  /// How bodies are sent to Tollgate, and how large they may be.
  static let bodyChecks = [
    Check(
      "body-mode", .error, each: \.processors,
      "Envoy sends bodies in a mode in which Tollgate cannot decide or meter.",
      remedy:
        "set the request body to Buffered or FullDuplexStreamed, the response body to Streamed"
    ) { filter, _, report in
      let modes = filter.settings[filter.origin == .envoy ? "processing_mode" : "processingMode"]
      for (phase, faults) in [("request", requestFaults), ("response", responseFaults)] {
        let mode = filter.mode(phase)
        if let fault = faults[mode] { report(filter.body(phase), fault) }
        if filter.origin == .gatewayAPI {
          if modes[phase].exists { continue }
          report(
            modes[phase], "Envoy sends nothing of the \(phase) to Tollgate",
            remedy: "write processingMode.\(phase) with its body mode")
          continue
        }
        let (headers, trailers) = (modes["\(phase)_header_mode"], modes["\(phase)_trailer_mode"])
        if headers.text == "SKIP" {
          report(headers, "Tollgate does not see these headers", remedy: "write SEND")
        }
        // A request with trailers and no body would end before Tollgate has decided.
        let needsTrailers = mode == .fullDuplexStreamed || mode == .buffered && phase == "request"
        if needsTrailers, trailers.text != "SEND" {
          report(trailers, "this body mode needs the trailers too", remedy: "write SEND")
        }
      }
    },
    Check(
      "buffer-limit", .error, each: \.wholeChains,
      "Envoy buffers less of a body than the policy allows: it answers 413 by itself, and not in the API's error format.",
      remedy:
        "raise it to the policy's max_body_bytes or more (ClientTrafficPolicy connection.bufferLimit, the listener's per_connection_buffer_limit_bytes)"
    ) { chain, context, report in
      let wanted = context.bodyBytesMax
      let needed = "below the policy's max_body_bytes, \(wanted.sizeText)"
      if let listener = chain.listener, chain.filters.contains(where: \.holdsRequests) {
        let limit = listener.buffer.byteCount ?? listener.unsetBufferBytes
        let place = listener.buffer.exists ? listener.buffer : listener.field
        if limit < wanted { report(place, "Envoy buffers \(limit.sizeText), \(needed)") }
      }
      for filter in chain.authorizers where filter.sendsBody {
        if let bytes = filter.bodyBytes.byteCount, bytes < wanted {
          report(filter.bodyBytes, "ext_authz sends at most \(bytes.sizeText), \(needed)")
        }
        let remedy = "remove allow_partial_message"
        report(filter.partialBody.ifTrue, "Tollgate refuses a part of a body", remedy: remedy)
      }
      for policy in context.set.resources("BackendTrafficPolicy") {
        let field = policy.spec.at("requestBuffer.limit")
        if let bytes = field.byteCount, bytes < wanted {
          report(field, "\(bytes.sizeText) is \(needed)")
        }
      }
    },
  ]

  private static let requestFaults: [AskingFilter.BodyMode: String] = [
    .none: "the request's body is not sent, so Tollgate does not see the model",
    .streamed: "the request's headers are sent to the backend before its model is known",
    .bufferedPartial: "Tollgate refuses a body of which only the first part is sent (413)",
  ]
  private static let held =
    "Envoy holds the response back until it is complete, so that nothing is streamed"
  private static let responseFaults: [AskingFilter.BodyMode: String] = [
    .none: "the response's body is not sent, so its usage is not metered",
    .buffered: held, .bufferedPartial: held,
  ]
}
