struct Resource: Sendable {
  let group: String
  let kind: String
  let namespace: String
  let name: String
  let root: Field

  /// Nil where the document is not a Kubernetes object.
  init?(_ document: Document) {
    let plain = Field(document: document, object: "")
    guard let apiVersion = plain["apiVersion"].text, let kind = plain["kind"].text else {
      return nil
    }
    group = apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
    self.kind = kind
    name = plain["metadata"]["name"].text ?? plain["metadata"]["generateName"].text ?? ""
    let isClusterWide = ["GatewayClass", "Namespace"].contains(kind)
    namespace = isClusterWide ? "" : plain["metadata"]["namespace"].text ?? "default"
    root = Field(
      document: document, object: "\(kind) \(namespace.isEmpty ? "" : namespace + "/")\(name)")
  }

  var spec: Field { root["spec"] }

  /// Where the rules of a route send requests.
  var backends: [(field: Field, target: ObjectReference)] {
    spec.all("rules[].backendRefs[]").map { ($0, ObjectReference($0, in: namespace)) }
  }

  /// The references of a route that attach it to a Gateway.
  func parents(_ gateway: Resource) -> [Field] {
    spec["parentRefs"].items.filter {
      ObjectReference($0, kind: "Gateway", in: namespace).names(gateway)
    }
  }

  func isAttached(to gateway: Resource) -> Bool { !parents(gateway).isEmpty }

  /// The API group of each kind that lint reads.
  static let groups: [String: String] = [
    gatewayGroup: [
      "Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute",
      "ReferenceGrant", "ListenerSet",
    ],
    envoyGroup: [
      "EnvoyProxy", "EnvoyExtensionPolicy", "SecurityPolicy", "ClientTrafficPolicy",
      "BackendTrafficPolicy", "EnvoyPatchPolicy", "Backend",
    ],
    "": ["Service", "ConfigMap", "Namespace", "PersistentVolumeClaim", "Secret"],
    "apps": ["Deployment", "DaemonSet", "StatefulSet"],
    "autoscaling": ["HorizontalPodAutoscaler"], "networking.k8s.io": ["NetworkPolicy"],
    "monitoring.coreos.com": ["PodMonitor"], "gateway.networking.x-k8s.io": ["XListenerSet"],
  ].reduce(into: [:]) { groups, entry in
    for kind in entry.value { groups[kind] = entry.key }
  }

  static let gatewayGroup = "gateway.networking.k8s.io"
  static let envoyGroup = "gateway.envoyproxy.io"

  /// Whether findings call it `object`. Where its file leaves the namespace to kustomize, any fits.
  func isWritten(as object: String) -> Bool {
    object == root.object
      || !root["metadata"]["namespace"].exists && object.hasPrefix("\(kind) ")
        && object.hasSuffix("/\(name)")
  }

  /// The resources of a document; those of a List one by one.
  static func all(in document: Document) -> [Resource] {
    guard let resource = Resource(document) else { return [] }
    guard resource.kind.hasSuffix("List"), resource.root["items"].exists else { return [resource] }
    return resource.root["items"].items.compactMap { item in
      item.node.flatMap { node in
        Resource(Document(source: document.source, hasLines: document.hasLines, root: node))
      }
    }
  }
}
