extension Checks {
  /// How bodies are sent to Tollgate, and how large they may be.
  static let bodyChecks = [
    Check(
      "body-mode", .error,
      "Envoy sends bodies in a mode in which Tollgate cannot decide or meter.",
      remedy:
        "set the request body to Buffered (or FullDuplexStreamed), the response body to Streamed"
    ) { context, check in
      context.setups.flatMap { setup in setup.processors.flatMap { bodyModes($0, check) } }
    },
    Check(
      "buffer-limit", .error,
      "Envoy buffers less of a body than the policy allows: it answers 413 by itself, and not in the API's error format.",
      remedy: "raise it to the policy's max_body_bytes or more"
    ) { context, check in
      context.setups.filter(\.isWhole).flatMap { bufferLimits($0, context, check) }
    },
  ]

  private static func bodyModes(_ processor: ProcessorSettings, _ check: Check) -> [Finding] {
    var findings = processor.modeFaults.map(check.finding)
    let request: String? =
      switch processor.requestBody.value {
      case .buffered, .fullDuplexStreamed: nil
      case .none: "the request's body is not sent, so Tollgate does not see the model"
      case .streamed: "the request's headers are sent to the backend before its model is known"
      case .bufferedPartial: "Tollgate refuses a body of which only the first part is sent (413)"
      }
    if let request {
      findings.append(
        check.finding(
          processor.requestBody.field, request,
          remedy: "write Buffered (BUFFERED), or FullDuplexStreamed"))
    }
    let response: String? =
      switch processor.responseBody.value {
      case .streamed, .fullDuplexStreamed: nil
      case .none: "the response's body is not sent, so its usage is not metered"
      case .buffered, .bufferedPartial:
        "Envoy holds the response back until it is complete, so that nothing is streamed"
      }
    if let response {
      findings.append(
        check.finding(
          processor.responseBody.field, response, remedy: "write Streamed (STREAMED)"))
    }
    return findings
  }

  private static func bufferLimits(
    _ setup: GatewaySetup, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let wanted = context.bodyBytesMax
    let needed = QuantityReading.text(wanted)
    var findings: [Finding] = []
    let listener = setup.listener
    let isHeld =
      setup.processors.contains {
        $0.requestBody.value == .buffered || $0.requestBody.value == .bufferedPartial
      }
      || setup.authorizers.contains(where: \.sendsBody)
    let limit = listener.bufferBytes ?? listener.defaultBufferBytes
    if isHeld, limit < wanted {
      let what = listener.bufferBytes == nil ? "the default of " : ""
      findings.append(
        check.finding(
          listener.bufferField.exists ? listener.bufferField : listener.field,
          "\(listener.bufferSetting): \(what)\(QuantityReading.text(limit)) is below the policy's "
            + "max_body_bytes, \(needed)"))
    }
    for authorizer in setup.authorizers where authorizer.sendsBody {
      if let bytes = authorizer.bodyBytes.byteCount, bytes < wanted {
        findings.append(
          check.finding(
            authorizer.bodyBytes,
            "ext_authz sends at most \(QuantityReading.text(bytes)), below max_body_bytes, \(needed)"
          ))
      }
      if let partial = authorizer.partialBody {
        findings.append(
          check.finding(
            partial, "only the first part of a larger body is sent, and Tollgate refuses it",
            remedy: "remove allow_partial_message"))
      }
    }
    for policy in context.set.resources(
      "BackendTrafficPolicy", group: EnvoyGatewayReading.envoyGroup)
    {
      let field = policy.spec["requestBuffer"]["limit"]
      if let bytes = field.byteCount, bytes < wanted {
        findings.append(
          check.finding(
            field, "\(QuantityReading.text(bytes)) is below the policy's max_body_bytes, \(needed)")
        )
      }
    }
    return findings
  }
}
