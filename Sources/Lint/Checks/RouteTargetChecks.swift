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
          let wanted = section.text ?? port.text ?? ""
          report(section.exists ? section : parent, "\(name) has no listener \(wanted)")
        } else if open.isEmpty {
          let source = "a \(route.kind) of the namespace \(route.namespace)"
          report(parent, "no listener of \(name) that it names accepts \(source) (allowedRoutes)")
        } else if !open.contains(where: { ListenerAdmission.serves($0, hosts.texts) }) {
          report(hosts, all: hosts.texts) { "no listener of \(name) that it names serves \($0)" }
        }
      }
    },
    Check(
      "foreign-host", .error, each: \.gateways,
      "Routes of several namespaces serve the same host of the policy: one with more header matches gets the other's requests, with their bodies.",
      remedy: "use each host in one namespace besides the Gateway's, by an admission policy"
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
        // To which the host's routes belong: the tenant's, else the Gateway's, else the first.
        let first =
          [tenant, gateway.namespace].compactMap { $0 }.first(where: namespaces.contains)
          ?? namespaces[0]
        if namespace != first {
          // Besides the Gateway's routes there may be the tenant's own, in a namespace of another name.
          if tenant != nil, first == gateway.namespace, !isAnothers { continue }
          let what = "\(host) is served from \(first), and \(namespace) can take its requests"
          report(field, what, severity: isAnothers ? nil : .warning)
        } else if isAnothers, let tenant {
          report(field, "\(host) belongs to \(tenant), but this route is in \(namespace)")
        }
      }
    },
    Check(
      "mirrored-prompts", .warning, each: \.mirrors,
      "Copies of requests go to another backend: no limit, no price and no record knows of them, and prompts may leave the platform.",
      remedy: "remove the mirror, or limit that backend by itself and --ignore mirrored-prompts"
    ) { mirror, _, report in report(mirror, "a copy of every request goes here, unmetered") },
    Check(
      "missing-port", .error, each: \.backends,
      "A route leads to a port that its Service does not have: its requests get 500 or 503.",
      remedy: "write a port of the Service (spec.ports[].port, not the container's port)"
    ) { backend, context, report in
      guard let service = context.service(backend.target) else { return }
      let port = backend.field["port"]
      let ports = service.spec.all("ports[].port").compactMap(\.integer)
      if let number = port.integer, ports.contains(number) || ports.isEmpty { return }
      let known = ports.map(String.init).joined(separator: ", ")
      let place = port.exists ? port : backend.field
      report(place, "\(port.text ?? "no port") is named, \(service.root.object) has \(known)")
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
