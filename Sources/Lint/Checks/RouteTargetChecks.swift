import Policy
import Terms

extension Checks {
  /// Whether listeners accept the routes, and where the routes lead.
  static let routeTargetChecks = [
    Check(
      "unattached-route", .error, each: \.gateways,
      "A route is for a listener that does not accept it: it is not served, and its requests match another route or none.",
      remedy:
        "name a listener of the Gateway whose hostname and allowedRoutes accept the route; give its namespace the labels that allowedRoutes selects"
    ) { gateway, context, report in
      let name = "\(gateway.namespace)/\(gateway.name)"
      let parents = context.resources.routes.flatMap { route in
        route.parents(gateway).map { (route, $0) }
      }
      for (route, parent) in parents {
        let (section, port) = (parent["sectionName"], parent["port"])
        let listeners = gateway.spec["listeners"].items.filter { listener in
          (section.text == nil || section.text == listener["name"].text)
            && (port.integer == nil || port.integer == listener["port"].integer)
        }
        let namespace = context.set.resource("Namespace", route.namespace, in: "")
        let open = listeners.filter {
          ListenerAdmission.admits($0, route, of: gateway, namespace: namespace)
        }
        let hosts = route.spec["hostnames"]
        if listeners.isEmpty {
          report(
            section.exists ? section : parent,
            "the Gateway \(name) has no listener \(section.text ?? port.text ?? "")")
        } else if open.isEmpty {
          report(
            parent,
            "no listener of \(name) that it names accepts a \(route.kind) of the namespace "
              + "\(route.namespace) (allowedRoutes)")
        } else if !hosts.texts.isEmpty,
          !open.contains(where: { ListenerAdmission.serves($0, hosts.texts) })
        {
          report(
            hosts,
            "no listener of \(name) that it names serves \(hosts.texts.joined(separator: ", "))")
        }
      }
    },
    Check(
      "foreign-host", .error, each: \.gateways,
      "Routes of several namespaces serve the same host of the policy: one with more header matches gets the other's requests, with their bodies.",
      remedy:
        "use each host in one namespace only, besides the Gateway's own, and enforce that by an admission policy"
    ) { gateway, context, report in
      let places = context.resources.routes.filter { $0.isAttached(to: gateway) }.flatMap { route in
        route.spec["hostnames"].items.map { field in
          (host: (field.text ?? "").lowercased(), namespace: route.namespace, field: field)
        }
      }.filter { !$0.host.contains("*") }
      let tenants = Set(context.policies.flatMap { $0.tenants.map(\.name.string) })
      let byHost = Dictionary(grouping: places, by: \.host).mapValues { $0.map(\.namespace) }
      for (host, namespace, field) in places where namespace != gateway.namespace {
        // The tenant to which the host belongs, nil for a shared host.
        guard let tenant = owner(of: host, context.policies) else { continue }
        let namespaces = byHost[host, default: [namespace]]
        let isAnothers = tenants.contains(namespace) && namespace != tenant
        // The namespace to which the host's routes belong: the tenant's, else the Gateway's, else the one
        // that comes first.
        let first =
          [tenant, gateway.namespace].compactMap { $0 }.first(where: namespaces.contains)
          ?? namespaces[0]
        if namespace != first {
          // Besides the Gateway's routes there may be the tenant's own, in a namespace of another name.
          if tenant != nil, first == gateway.namespace, !isAnothers { continue }
          report(
            field,
            "\(host) is served from \(first), and this route of \(namespace) can take its requests",
            severity: isAnothers ? nil : .warning)
        } else if isAnothers, let tenant {
          report(field, "\(host) belongs to \(tenant), but this route is in \(namespace)")
        }
      }
    },
    Check(
      "mirrored-prompts", .warning, each: \.mirrors,
      "Copies of requests go to another backend: no limit, no price and no record knows of them, and prompts may leave the platform.",
      remedy: "remove the mirror, or limit that backend by itself and --ignore mirrored-prompts"
    ) { mirror, _, report in
      report(mirror, "a copy of every request goes here, and is not metered")
    },
    Check(
      "missing-port", .error, each: \.backends,
      "A route leads to a port that its Service does not have: its requests get 500 or 503.",
      remedy: "write a port of the Service (spec.ports[].port, not the container's port)"
    ) { backend, context, report in
      let (target, port) = (backend.target, backend.field["port"])
      guard let service = context.set.resources("Service").first(where: target.names) else {
        return
      }
      let ports = service.spec.all("ports[].port").compactMap(\.integer)
      if let number = port.integer, ports.contains(number) || ports.isEmpty { return }
      report(
        port.exists ? port : backend.field,
        "the Service \(target.namespace)/\(target.name) has the ports "
          + ports.map(String.init).joined(separator: ", ")
          + (port.exists ? ", not \(port.text ?? "")" : ", and none is named here"))
    },
  ]

  /// The tenant to which a host belongs, `.some(nil)` for a shared host; nil where no policy names it.
  private static func owner(of host: String, _ policies: [PolicySnapshot]) -> String?? {
    policies.lazy.compactMap { policy -> String?? in
      switch policy.owner(of: host) {
      case .tenant(let index): .some(policy.tenants[index].name.string)
      case .shared: policy.namesSharedHosts ? .some(nil) : nil
      case .nobody: nil
      }
    }.first
  }
}
