import Policy
import Terms

extension Checks {
  /// Whether listeners accept the routes, and where the routes lead.
  static let routeTargetChecks = [
    Check(
      "unattached-route", .error,
      "A route is for a listener that does not accept it: it is not served, and its requests match another route or none.",
      remedy:
        "name a listener of the Gateway whose hostname and allowedRoutes accept the route; give its namespace the labels that allowedRoutes selects"
    ) { context, check in
      gateways(context).flatMap { gateway in
        context.set.resources("HTTPRoute", "GRPCRoute", group: EnvoyGatewayReading.gatewayGroup)
          .flatMap { unattached($0, gateway, context, check) }
      }
    },
    Check(
      "foreign-host", .error,
      "Routes of several namespaces serve the same host of the policy: one with more header matches gets the other's requests, with their bodies.",
      remedy:
        "use each host in one namespace only, besides the Gateway's own, and enforce that by an admission policy"
    ) { context, check in gateways(context).flatMap { foreignHosts($0, context, check) } },
    Check(
      "mirrored-prompts", .warning,
      "Copies of requests go to another backend: no limit, no price and no record knows of them, and prompts may leave the platform.",
      remedy: "remove the mirror, or limit that backend by itself and --ignore mirrored-prompts"
    ) { context, check in
      context.setups.flatMap(\.backendRules).flatMap(\.mirrors).map {
        check.finding($0, "a copy of every request goes here, and is not metered")
      }
    },
    Check(
      "missing-port", .error,
      "A route leads to a port that its Service does not have: its requests get 500 or 503.",
      remedy: "write a port of the Service (spec.ports[].port, not the container's port)"
    ) { context, check in missingPorts(context, check) },
  ]

  /// The Gateways that ask Tollgate or route on its header.
  static func gateways(_ context: LintContext) -> [Resource] {
    context.set.resources("Gateway", group: EnvoyGatewayReading.gatewayGroup).filter { gateway in
      context.setups.contains { $0.isWhole && $0.field.object == gateway.root.object }
    }
  }

  private static func unattached(
    _ route: Resource, _ gateway: Resource, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let namespace = context.set.resources("Namespace", group: "").first {
      $0.name == route.namespace
    }
    return route.spec["parentRefs"].items.compactMap { parent in
      let reference = ObjectReference(
        parent, group: EnvoyGatewayReading.gatewayGroup, kind: "Gateway",
        namespace: route.namespace)
      guard reference.names(gateway) else { return nil }
      let section = parent["sectionName"]
      let listeners = gateway.spec["listeners"].items.filter { listener in
        (section.text == nil || section.text == listener["name"].text)
          && (parent["port"].integer == nil || parent["port"].integer == listener["port"].integer)
      }
      let name = "\(gateway.namespace)/\(gateway.name)"
      if listeners.isEmpty {
        return check.finding(
          section.exists ? section : parent,
          "the Gateway \(name) has no listener \(section.text ?? parent["port"].text ?? "")")
      }
      let open = listeners.filter {
        ListenerAdmission.admits($0, route, of: gateway, namespace: namespace)
      }
      if open.isEmpty {
        return check.finding(
          parent,
          "no listener of \(name) that it names accepts a \(route.kind) of the namespace "
            + "\(route.namespace) (allowedRoutes)")
      }
      let hosts = route.spec["hostnames"].texts
      if hosts.isEmpty || open.contains(where: { ListenerAdmission.serves($0, hosts) }) {
        return nil
      }
      return check.finding(
        route.spec["hostnames"],
        "no listener of \(name) that it names serves \(hosts.joined(separator: ", "))")
    }
  }

  private static func missingPorts(_ context: LintContext, _ check: Check) -> [Finding] {
    let services = context.set.resources("Service", group: "")
    let routes = context.set.resources(
      "HTTPRoute", "GRPCRoute", group: EnvoyGatewayReading.gatewayGroup)
    return routes.flatMap { route in
      route.spec["rules"].items.flatMap { $0["backendRefs"].items }.compactMap { backend in
        let target = ObjectReference(
          backend, group: "", kind: "Service", namespace: route.namespace)
        guard let service = services.first(where: target.names) else { return nil }
        let ports = service.spec["ports"].items.compactMap { $0["port"].integer }
        let port = backend["port"]
        if let number = port.integer, ports.contains(number) || ports.isEmpty { return nil }
        return check.finding(
          port.exists ? port : backend,
          "the Service \(target.namespace)/\(target.name) has the ports "
            + ports.map(String.init).joined(separator: ", ")
            + (port.exists ? ", not \(port.text ?? "")" : ", and none is named here"))
      }
    }
  }

  /// Routes on a host that belongs to another namespace. The Gateway's own namespace may serve all
  /// tenants' hosts.
  private static func foreignHosts(
    _ gateway: Resource, _ context: LintContext, _ check: Check
  ) -> [Finding] {
    let reading = EnvoyGatewayReading(context.set)
    var places: [(host: String, namespace: String, field: Field)] = []
    for route in reading.routes where reading.isAttached(route, to: gateway) {
      for host in route.spec["hostnames"].items {
        let name = (host.text ?? "").lowercased()
        if !name.contains("*") { places.append((name, route.namespace, host)) }
      }
    }
    let tenants = Set(context.policies.flatMap { $0.tenants.map(\.name.string) })
    let byHost = Dictionary(grouping: places, by: \.host).mapValues { $0.map(\.namespace) }
    var findings: [Finding] = []
    for place in places where place.namespace != gateway.namespace {
      guard let owner = HostName(place.host, context.policies) else { continue }
      let namespaces = byHost[place.host] ?? []
      let isAnothers = tenants.contains(place.namespace) && place.namespace != owner.tenant
      // The namespace to which the host's routes belong: the tenant's, else the Gateway's, else the one
      // that comes first.
      let first =
        [owner.tenant, gateway.namespace].compactMap { $0 }.first(where: namespaces.contains)
        ?? namespaces.first ?? place.namespace
      if place.namespace != first {
        // Besides the Gateway's routes there may be the tenant's own, in a namespace of another name.
        if owner.tenant != nil, first == gateway.namespace, !isAnothers { continue }
        findings.append(
          check.finding(
            place.field,
            "\(place.host) is served from \(first), and this route of \(place.namespace) can take "
              + "its requests",
            severity: isAnothers ? nil : .warning))
      } else if isAnothers, let tenant = owner.tenant {
        findings.append(
          check.finding(
            place.field,
            "\(place.host) belongs to \(tenant), but this route is in \(place.namespace)"))
      }
    }
    return findings
  }
}

/// A host that a policy names.
private enum HostName {
  case tenant(String)
  case shared

  /// Nil where no policy names it.
  init?(_ host: String, _ policies: [PolicySnapshot]) {
    for policy in policies {
      switch policy.owner(ofHost: Array(host.utf8).span) {
      case .tenant(let index):
        self = .tenant(policy.tenants[index].name.string)
        return
      case .shared:
        guard policy.namesSharedHosts else { continue }
        self = .shared
        return
      case .nobody: continue
      }
    }
    return nil
  }

  var tenant: String? {
    if case .tenant(let name) = self { return name }
    return nil
  }
}
