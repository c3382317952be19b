/// What carries Envoy's filters, or asks somebody about requests, in a form that lint does not read: another
/// gateway's objects, a mesh's, a patch. Silence about it would look like consent.
enum ForeignObjects {
  /// Why a document must be reported as not checked; nil where it is read, or is none of this.
  static func reason(for document: Document) -> Remark? {
    guard let resource = Resource(document) else {
      let root = Field(document: document, object: "")
      return EnvoyConfig.all(in: document).isEmpty && asks(root)
        ? Remark(root, "what this says") : nil
    }
    let what = "how the \(resource.kind) \(resource.name) changes Envoy's filters or routes"
    let isCustom = resource.spec["action"].text == "CUSTOM"
    let isForeign =
      kinds.contains(resource.kind) || isCustom
      || !isRead(resource) && (asks(resource.root) || resource.spec["parentRefs"].exists)
    return isForeign ? Remark(resource.root, what) : nil
  }

  /// Whether something in a tree asks a service about requests, or is a filter of Envoy's.
  static func asks(_ field: Field) -> Bool {
    field.members.contains { key, value in
      let name = key.filter(\.isLetter).lowercased()
      return keys.contains { name.contains($0) } || asks(value)
    } || field.items.contains(where: asks)
      || filters.contains { field.text?.contains($0) == true }
  }

  /// Parts of the names of Envoy's filters that ask.
  private static let filters = ["envoy.filters.http.ext_", "ext_proc.v3", "ext_authz.v3"]

  /// Whether lint reads objects of this kind, or knows that they change nothing of Envoy's.
  private static func isRead(_ resource: Resource) -> Bool {
    Resource.groups.values.contains(resource.group) || !resource.group.contains(".")
      || resource.group.hasSuffix(".k8s.io")
  }

  /// Parts of keys, without what is no letter.
  private static let keys = ["extproc", "extauth", "externalproc", "externalauth"]

  /// Kinds that change filters, whatever is written in them.
  private static let kinds: Set<String> = [
    "EnvoyFilter", "WasmPlugin", "GatewayExtension", "GCPTrafficExtension", "GCPRoutingExtension",
    "ExtensionService", "AuthService", "AuthPolicy",
  ]
}
