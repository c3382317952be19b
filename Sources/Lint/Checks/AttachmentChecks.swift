extension Checks {
  /// Whether references and policies are attached where they should be.
  static let attachmentChecks = [
    Check(
      "missing-reference-grant", .error, each: \.set.resources,
      "A reference to another namespace has no ReferenceGrant there: Envoy Gateway refuses it, and the route answers 500.",
      remedy: "add a ReferenceGrant to the target's namespace for this kind and namespace"
    ) { resource, context, report in
      let grants = context.set.resources("ReferenceGrant")
      for (field, target) in references(of: resource)
      where target.namespace != resource.namespace
        && !grants.contains(where: { admits($0, resource, target) })
      {
        // Where only one tenant's files are checked, the grant may be in another namespace's files.
        let isPart = !context.set.resources.contains { $0.namespace == target.namespace }
        let source =
          "\(resource.kind) in \(resource.namespace)\(isPart ? " (among these files)" : "")"
        report(
          field, "no ReferenceGrant at \(target.path) allows references from \(source)",
          severity: isPart ? .warning : nil)
      }
    },
    Check(
      "policy-on-route", .error, each: \.whole,
      "Tollgate is attached to a route instead of the Gateway: it is not asked for routes that are added later.",
      remedy: "target the Gateway (targetRefs: kind Gateway)"
    ) { context, _, report in
      for policy in context.set.resources("EnvoyExtensionPolicy", "SecurityPolicy")
      where context.resources.asksTollgate(policy) {
        let targets = EnvoyGatewayReading.targets(of: policy)
        for target in targets + policy.spec["targetSelectors"].items {
          if let kind = target["kind"].text, kind.hasSuffix("Route") {
            report(target, "it is attached to a \(kind), not to the Gateway")
          }
        }
      }
    },
    Check(
      "not-asked", .error, each: \.wholeChains,
      "A gateway routes on x-ai-model-route and does not ask Tollgate, or not for all routes: clients choose the model route themselves.",
      remedy: "attach Tollgate's ext_proc (or ext_authz) to the whole gateway, without exceptions"
    ) { chain, _, report in
      for bypass in chain.bypasses { report(bypass) }
      if !chain.asksTollgate {
        report(chain.field, "it routes on x-ai-model-route and never asks Tollgate")
      }
    },
  ]

  /// Whether a ReferenceGrant allows the reference.
  private static func admits(
    _ grant: Resource, _ resource: Resource, _ target: ObjectReference
  ) -> Bool {
    grant.namespace == target.namespace
      && grant.spec["from"].items.contains { from in
        from["kind"].text == resource.kind && from["namespace"].text == resource.namespace
          && (from["group"].text ?? "") == resource.group
      }
      && grant.spec["to"].items.contains { to in
        to["kind"].text == target.kind && (to["group"].text ?? "") == target.group
          && (to["name"].text ?? target.name) == target.name
      }
  }

  /// The references of a resource that need a ReferenceGrant where they lead to another namespace.
  private static func references(
    of resource: Resource
  ) -> [(field: Field, target: ObjectReference)] {
    let kind = ["Gateway", "ClientTrafficPolicy"].contains(resource.kind) ? "Secret" : "Service"
    return referencePaths[resource.kind, default: []].flatMap { resource.spec.all($0) }
      .map { ($0, ObjectReference($0, kind: kind, in: resource.namespace)) }
  }

  private static let referencePaths = [
    "HTTPRoute": ["rules[].backendRefs[]", "rules[].filters[].requestMirror.backendRef"],
    "GRPCRoute": ["rules[].backendRefs[]", "rules[].filters[].requestMirror.backendRef"],
    "Gateway": ["listeners[].tls.certificateRefs[]"],
    "EnvoyExtensionPolicy": ["extProc[].backendRefs[]"],
    "SecurityPolicy": ["extAuth.grpc.backendRefs[]", "extAuth.http.backendRefs[]"],
    "ClientTrafficPolicy": ["tls.clientValidation.caCertificateRefs[]"],
  ]
}
