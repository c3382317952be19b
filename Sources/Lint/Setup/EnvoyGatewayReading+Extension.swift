extension EnvoyGatewayReading {
  /// Whether a filter's backend is Tollgate: by its name, by its socket's, or by the metadata
  /// namespace it may write; or because there is no other filter of the kind.
  func isTollgate(_ filter: Field) -> Bool {
    guard filter.exists else { return false }
    if looksLikeTollgate(filter) { return true }
    let filters = set.resources("EnvoyExtensionPolicy", "SecurityPolicy", group: Self.envoyGroup)
      .flatMap { $0.spec["extProc"].items + [$0.spec["extAuth"]].filter(\.exists) }
    return !filters.contains(where: looksLikeTollgate)
  }

  private func looksLikeTollgate(_ filter: Field) -> Bool {
    if filter["metadata"]["writableNamespaces"].texts.contains("tollgate") { return true }
    return backends(filter).contains { reference in
      if reference["name"].text?.contains("tollgate") == true { return true }
      let backend = set.resources("Backend", group: Self.envoyGroup).first {
        $0.name == reference["name"].text
      }
      return backend?.spec["endpoints"].items.contains {
        $0["unix"]["path"].text?.contains("tollgate") == true
      } ?? false
    }
  }

  /// The references of an ext_proc filter, or of an ext_authz one.
  func backends(_ filter: Field) -> [Field] {
    [filter, filter["grpc"], filter["http"]].flatMap { place in
      place["backendRefs"].items + [place["backendRef"]].filter(\.exists)
    }
  }

  func processor(_ field: Field) -> ProcessorSettings {
    let modes = field["processingMode"]
    let failOpen = [field["failOpen"], field["shadowMode"]].filter { $0.bool == true }
    var faults: [(field: Field, message: String, remedy: String)] = []
    for phase in ["request", "response"] where !modes[phase].exists {
      faults.append(
        (
          modes[phase], "Tollgate does not see the \(phase): nothing of it is sent",
          "write processingMode.\(phase) with its body mode"
        ))
    }
    return ProcessorSettings(
      field: field, failOpen: failOpen, statusOnError: field["statusOnError"],
      messageTimeout: field["messageTimeout"],
      requestBody: bodyMode(modes["request"]["body"]),
      requestBodyField: modes["request"]["body"],
      responseBody: bodyMode(modes["response"]["body"]),
      responseBodyField: modes["response"]["body"], modeFaults: faults,
      requestAttributes: modes["request"]["attributes"],
      responseAttributes: modes["response"]["attributes"],
      readableNamespaces: field["metadata"]["accessibleNamespaces"],
      writableNamespaces: field["metadata"]["writableNamespaces"], keepsRoute: nil,
      breakers: breakers(field["backendSettings"]["circuitBreaker"]))
  }

  private func bodyMode(_ field: Field) -> ProcessorSettings.BodyMode {
    switch field.text {
    case "Buffered": .buffered
    case "BufferedPartial": .bufferedPartial
    case "Streamed": .streamed
    case "FullDuplexStreamed": .fullDuplexStreamed
    default: .none
    }
  }

  func authorizer(_ field: Field) -> AuthorizerSettings {
    AuthorizerSettings(
      field: field, failOpen: [field["failOpen"]].filter { $0.bool == true },
      statusOnError: field["statusOnError"], timeout: field["timeout"],
      unsetTimeout: .seconds(10), bodyBytes: field["bodyToExtAuth"]["maxRequestBytes"],
      sendsBody: field["bodyToExtAuth"].exists, partialBody: nil,
      choosesRouteAgain: field["recomputeRoute"].bool == true,
      choosesRouteAgainField: field["recomputeRoute"],
      breakers: breakers(
        (field["grpc"].exists ? field["grpc"] : field["http"])["backendSettings"]["circuitBreaker"])
    )
  }

  private func breakers(_ field: Field) -> BreakerSettings {
    let names = ["maxConnections", "maxPendingRequests", "maxParallelRequests"]
    return BreakerSettings(
      bounds: names.map { ($0, field[$0].integer) }, field: field,
      setting: "backendSettings.circuitBreaker")
  }
}
