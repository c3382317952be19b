extension Checks {
  /// How bodies are sent to Tollgate, and how large they may be.
  static let bodyChecks = [
    Check(
      "body-mode", .error, each: \.processors,
      "Envoy sends bodies in a mode in which Tollgate cannot decide or meter.",
      remedy:
        "set the request body to Buffered (or FullDuplexStreamed), the response body to Streamed"
    ) { filter, _, report in
      let modes = filter.settings[filter.origin == .envoy ? "processing_mode" : "processingMode"]
      for (phase, body) in [("request", filter.requestMode), ("response", filter.responseMode)] {
        if filter.origin == .gatewayAPI {
          if modes[phase].exists { continue }
          report(
            modes[phase], "Envoy sends nothing of the \(phase) to Tollgate",
            remedy: "write processingMode.\(phase) with its body mode")
          continue
        }
        let (headers, trailers) = ("\(phase)_header_mode", "\(phase)_trailer_mode")
        if modes[headers].text == "SKIP" {
          report(
            modes[headers], "Tollgate does not see these headers", remedy: "write \(headers): SEND")
        }
        let why: String? =
          switch body {
          case .fullDuplexStreamed: "FULL_DUPLEX_STREAMED needs the trailers too"
          case .buffered where phase == "request":
            "a request with trailers and no body ends before Tollgate has decided"
          default: nil
          }
        if let why, modes[trailers].text != "SEND" {
          report(modes[trailers], why, remedy: "write \(trailers): SEND")
        }
      }
      if let fault = requestFaults[filter.requestMode] {
        report(
          filter.requestBody, fault, remedy: "write Buffered (BUFFERED), or FullDuplexStreamed")
      }
      if let fault = responseFaults[filter.responseMode] {
        report(filter.responseBody, fault, remedy: "write Streamed (STREAMED)")
      }
    },
    Check(
      "buffer-limit", .error, each: \.wholeChains,
      "Envoy buffers less of a body than the policy allows: it answers 413 by itself, and not in the API's error format.",
      remedy: "raise it to the policy's max_body_bytes or more"
    ) { chain, context, report in
      let wanted = context.bodyBytesMax
      let needed = QuantityReading.text(wanted)
      if let listener = chain.listener, chain.filters.contains(where: \.holdsRequests) {
        let (field, name) = (listener.buffer.field, listener.buffer.name)
        let written = field.byteCount
        let limit = written ?? listener.unsetBufferBytes
        if limit < wanted {
          let what = written == nil ? "the default of " : ""
          report(
            field.exists ? field : listener.field,
            "\(name): \(what)\(QuantityReading.text(limit)) is below the policy's max_body_bytes, "
              + needed)
        }
      }
      for authorizer in chain.authorizers where authorizer.sendsBody {
        if let bytes = authorizer.bodyBytes.byteCount, bytes < wanted {
          report(
            authorizer.bodyBytes,
            "ext_authz sends at most \(QuantityReading.text(bytes)), below max_body_bytes, \(needed)"
          )
        }
        if authorizer.partialBody.bool == true {
          report(
            authorizer.partialBody,
            "only the first part of a larger body is sent, and Tollgate refuses it",
            remedy: "remove allow_partial_message")
        }
      }
      for policy in context.set.resources("BackendTrafficPolicy") {
        let field = policy.spec.at("requestBuffer.limit")
        if let bytes = field.byteCount, bytes < wanted {
          report(
            field, "\(QuantityReading.text(bytes)) is below the policy's max_body_bytes, \(needed)")
        }
      }
    },
  ]

  /// Modes of the request's body that do not fit.
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
