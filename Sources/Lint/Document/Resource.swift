/// A Kubernetes object of a manifest.
package struct Resource: Sendable {
  package let group: String
  package let kind: String
  package let namespace: String
  package let name: String
  package let root: Field

  /// nil where the document is no Kubernetes object.
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
      document: document,
      object: "\(kind) \(namespace.isEmpty ? "" : namespace + "/")\(name)")
  }

  package var spec: Field { root["spec"] }

  /// Whether this is what a finding calls `object`. A file may leave the namespace to kustomize.
  package func isWritten(as object: String) -> Bool {
    object == root.object
      || !root["metadata"]["namespace"].exists && object.hasPrefix("\(kind) ")
        && object.hasSuffix("/\(name)")
  }

  /// The objects of a document, those of a List apart.
  package static func all(in document: Document) -> [Resource] {
    guard let resource = Resource(document) else { return [] }
    guard resource.kind.hasSuffix("List"), resource.root["items"].exists else { return [resource] }
    return resource.root["items"].items.compactMap { item in
      item.node.flatMap { node in
        Resource(Document(source: document.source, hasLines: document.hasLines, root: node))
      }
    }
  }
}

/// Who is meant by a reference: `backendRefs`, `targetRefs`, `parentRefs`.
struct ObjectReference: Hashable, Sendable {
  let group: String
  let kind: String
  let namespace: String
  let name: String

  /// A reference as `field` writes it, with the defaults of its kind of reference.
  init(_ field: Field, group: String, kind: String, namespace: String) {
    self.group = field["group"].text ?? group
    self.kind = field["kind"].text ?? kind
    self.namespace = field["namespace"].text ?? namespace
    name = field["name"].text ?? ""
  }

  func names(_ resource: Resource) -> Bool {
    resource.kind == kind && resource.name == name && resource.group == group
      && (resource.namespace.isEmpty || resource.namespace == namespace)
  }
}
