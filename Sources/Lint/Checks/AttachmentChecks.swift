extension Checks {
  /// Whether references and policies are attached where they should be.
  static let attachmentChecks = [
    Check(
      "missing-reference-grant", .error,
      "A reference to another namespace has no ReferenceGrant there: Envoy Gateway refuses it, and the route answers 500.",
      remedy: "add a ReferenceGrant to the target's namespace for this kind and namespace"
    ) { context, check in referenceGrants(context, check) },
    Check(
      "policy-on-route", .error,
      "Tollgate is attached to a route instead of the Gateway: it is not asked for routes that are added later.",
      remedy: "target the Gateway (targetRefs: kind Gateway)"
    ) { context, check in
      context.set.resources(
        "EnvoyExtensionPolicy", "SecurityPolicy", group: EnvoyGatewayReading.envoyGroup
      ).filter(EnvoyGatewayReading(context.set).asksTollgate).flatMap { policy in
        let targets = policy.spec["targetRefs"].items + policy.spec["targetSelectors"].items
        return (targets + [policy.spec["targetRef"]]).filter {
          $0["kind"].text?.hasSuffix("Route") == true
        }.map { target in
          check.finding(
            target, "it is attached to a \(target["kind"].text ?? "route"), not to the Gateway")
        }
      }
    },
    Check(
      "not-asked", .error,
      "A gateway routes on x-ai-model-route and does not ask Tollgate, or not for all routes: clients choose the model route themselves.",
      remedy: "attach Tollgate's ext_proc (or ext_authz) to the whole gateway, without exceptions"
    ) { context, check in
      context.setups.filter(\.isWhole).flatMap { setup in
        var findings = setup.bypasses.map { check.finding($0.field, $0.message) }
        if !setup.asksTollgate {
          findings.append(
            check.finding(setup.field, "it routes on x-ai-model-route and never asks Tollgate"))
        }
        return findings
      }
    },
  ]

  private static func referenceGrants(_ context: LintContext, _ check: Check) -> [Finding] {
    let grants = context.set.resources("ReferenceGrant", group: EnvoyGatewayReading.gatewayGroup)
    var findings: [Finding] = []
    for resource in context.set.resources {
      for (field, target) in references(of: resource)
      where target.namespace != resource.namespace {
        let isGranted = grants.contains { grant in
          grant.namespace == target.namespace && admits(grant, resource, target)
        }
        if isGranted { continue }
        // Where only one tenant's files are checked, the grant may be in another namespace's files.
        let isPart = !context.set.resources.contains { $0.namespace == target.namespace }
        findings.append(
          check.finding(
            field,
            "\(target.kind) \(target.namespace)/\(target.name) is in another namespace, and no "
              + "ReferenceGrant there\(isPart ? " (among these files)" : "") allows references from "
              + "\(resource.kind) in \(resource.namespace)",
            severity: isPart ? .warning : nil))
      }
    }
    return findings
  }

  /// Whether a ReferenceGrant allows the reference.
  private static func admits(
    _ grant: Resource, _ resource: Resource, _ target: ObjectReference
  ) -> Bool {
    let isFrom = grant.spec["from"].items.contains { from in
      from["kind"].text == resource.kind && from["namespace"].text == resource.namespace
        && (from["group"].text ?? "") == resource.group
    }
    return isFrom
      && grant.spec["to"].items.contains { to in
        to["kind"].text == target.kind && (to["group"].text ?? "") == target.group
          && (to["name"].text.map { $0 == target.name } ?? true)
      }
  }

  /// The references of a resource that need a ReferenceGrant where they lead to another namespace.
  private static func references(
    of resource: Resource
  ) -> [(field: Field, target: ObjectReference)] {
    let spec = resource.spec
    let fields: [(Field, String)]
    switch resource.kind {
    case "HTTPRoute", "GRPCRoute":
      fields = spec["rules"].items.flatMap { rule in
        rule["backendRefs"].items.map { ($0, "Service") }
          + rule["filters"].items.compactMap { filter in
            let mirror = filter["requestMirror"]["backendRef"]
            return mirror.exists ? (mirror, "Service") : nil
          }
      }
    case "Gateway":
      fields = spec["listeners"].items.flatMap { listener in
        listener["tls"]["certificateRefs"].items.map { ($0, "Secret") }
      }
    case "EnvoyExtensionPolicy":
      fields = spec["extProc"].items.flatMap { $0["backendRefs"].items }.map { ($0, "Service") }
    case "SecurityPolicy":
      fields = ["grpc", "http"].flatMap { spec["extAuth"][$0]["backendRefs"].items }
        .map { ($0, "Service") }
    case "ClientTrafficPolicy":
      fields = spec["tls"]["clientValidation"]["caCertificateRefs"].items.map { ($0, "Secret") }
    default: fields = []
    }
    return fields.map { field, kind in
      (field, ObjectReference(field, group: "", kind: kind, namespace: resource.namespace))
    }
  }
}
