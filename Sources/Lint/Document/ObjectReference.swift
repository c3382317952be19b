/// The object that a reference names: of `backendRefs`, `targetRefs`, `parentRefs`.
struct ObjectReference: Hashable, Sendable {
  let group: String
  let kind: String
  let namespace: String
  let name: String

  /// The reference at `field`. The other parameters are the defaults for what it leaves out.
  init(_ field: Field, group: String, kind: String, namespace: String) {
    self.group = field["group"].text ?? group
    self.kind = field["kind"].text ?? kind
    self.namespace = field["namespace"].text ?? namespace
    name = field["name"].text ?? ""
  }

  /// Whether the resource is the one that is named.
  func names(_ resource: Resource) -> Bool {
    resource.kind == kind && resource.name == name && resource.group == group
      && (resource.namespace.isEmpty || resource.namespace == namespace)
  }
}
