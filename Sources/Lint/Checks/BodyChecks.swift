extension Checks {
  /// How bodies are sent to Tollgate, and how large they may be.
  static let bodyChecks = [
    Check(
      "body-mode", .error,
      "Envoy sends bodies in a mode in which Tollgate cannot decide or meter.",
      remedy:
        "set the request body to Buffered (or FullDuplexStreamed), the response body to Streamed"
    ) { context, report in
      for filter in context.filters where filter.kind == .extProc {
        report(filter.origin == .envoy ? headerModes(filter) : phases(filter))
        bodyModes(filter, &report)
      }
    },
    Check(
      "buffer-limit", .error,
      "Envoy buffers less of a body than the policy allows: it answers 413 by itself, and not in the API's error format.",
      remedy: "raise it to the policy's max_body_bytes or more"
    ) { context, report in
      for chain in context.chains where chain.isWhole { bufferLimits(chain, context, &report) }
    },
  ]

  /// Envoy's modes for headers and trailers that do not fit.
  private static func headerModes(_ filter: AskingFilter) -> [Remark] {
    let modes = filter.settings["processing_mode"]
    func remark(_ name: String, isWrong: Bool, _ message: String) -> [Remark] {
      isWrong ? [Remark(modes[name], message, remedy: "write \(name): SEND")] : []
    }
    let headers = ["request_header_mode", "response_header_mode"].flatMap {
      remark($0, isWrong: modes[$0].text == "SKIP", "Tollgate does not see these headers")
    }
    let trailers = [
      ("request_trailer_mode", filter.requestMode), ("response_trailer_mode", filter.responseMode),
    ].flatMap { name, body in
      remark(
        name, isWrong: body == .fullDuplexStreamed && modes[name].text != "SEND",
        "FULL_DUPLEX_STREAMED needs the trailers too")
    }
    let last = "request_trailer_mode"
    return headers + trailers
      + remark(
        last, isWrong: filter.requestMode == .buffered && modes[last].text != "SEND",
        "a request with trailers and no body ends before Tollgate has decided")
  }

  /// Envoy Gateway's phases that are not sent at all.
  private static func phases(_ filter: AskingFilter) -> [Remark] {
    let modes = filter.settings["processingMode"]
    return ["request", "response"].filter { !modes[$0].exists }.map { phase in
      Remark(
        modes[phase], "Envoy sends nothing of the \(phase) to Tollgate",
        remedy: "write processingMode.\(phase) with its body mode")
    }
  }

  private static func bodyModes(_ filter: AskingFilter, _ report: inout Findings) {
    let request: String? =
      switch filter.requestMode {
      case .buffered, .fullDuplexStreamed: nil
      case .none: "the request's body is not sent, so Tollgate does not see the model"
      case .streamed: "the request's headers are sent to the backend before its model is known"
      case .bufferedPartial: "Tollgate refuses a body of which only the first part is sent (413)"
      }
    if let request {
      report(
        filter.requestBody, request, remedy: "write Buffered (BUFFERED), or FullDuplexStreamed")
    }
    let response: String? =
      switch filter.responseMode {
      case .streamed, .fullDuplexStreamed: nil
      case .none: "the response's body is not sent, so its usage is not metered"
      case .buffered, .bufferedPartial:
        "Envoy holds the response back until it is complete, so that nothing is streamed"
      }
    if let response { report(filter.responseBody, response, remedy: "write Streamed (STREAMED)") }
  }

  private static func bufferLimits(
    _ chain: Chain, _ context: LintContext, _ report: inout Findings
  ) {
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
          "ext_authz sends at most \(QuantityReading.text(bytes)), below max_body_bytes, \(needed)")
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
  }
}
