/// The object that a reference names: of `backendRefs`, `targetRefs`, `parentRefs`.
struct ObjectReference: Hashable, Sendable {
  let group: String
  let kind: String
  let namespace: String
  let name: String

  /// The reference at `field`. It may leave out the kind, and the namespace in which it is written.
  init(_ field: Field, kind: String = "Service", in namespace: String) {
    group = field["group"].text ?? Resource.groups[kind] ?? ""
    self.kind = field["kind"].text ?? kind
    self.namespace = field["namespace"].text ?? namespace
    name = field["name"].text ?? ""
  }

  var path: String { "\(namespace)/\(name)" }

  func names(_ resource: Resource) -> Bool {
    resource.kind == kind && resource.name == name && resource.group == group
      && (resource.namespace.isEmpty || resource.namespace == namespace)
  }
}
