/// Envoy configs that are texts in Kubernetes objects: in a ConfigMap, a Secret, a container's arguments.
struct EmbeddedConfigs {
  private(set) var documents: [Document] = []
  /// Texts that look like one and could not be read.
  private(set) var unread: [Field] = []

  init() {}

  /// Reads those in some documents; one run of Python reads all that are YAML.
  init(in documents: [Document], _ tools: LintTools) throws(LintFault) {
    // The texts of a schema describe fields.
    let fields = documents.flatMap(Resource.all).filter { $0.kind != "CustomResourceDefinition" }
      .flatMap { $0.root.allTexts }.filter { Self.looksLikeConfig($0.text) }
    var texts: [LintInputs.Text] = []
    var bytesTotal = 0
    // An alias of YAML can stand for a large text thousands of times.
    for (field, text) in fields.prefix(DocumentLimits.embeddedMax) {
      // As many empty lines come before it, so that its lines are those of the file.
      let above = field.node?.line ?? 0
      bytesTotal += above + text.utf8.count
      if bytesTotal > DocumentLimits.embeddedBytesMax { break }
      let bytes = Array(repeating: UInt8(ascii: "\n"), count: above) + Array(text.utf8)
      texts.append(LintInputs.Text(name: field.path, bytes: bytes))
    }
    unread = fields.dropFirst(texts.count).map(\.field)
    for ((field, _), read) in zip(fields, try tools.read(texts)) {
      let found = read.documents.map {
        Document(source: field.source, hasLines: field.isLiteral, root: $0.root)
      }.filter { !EnvoyConfig.all(in: $0).isEmpty }
      self.documents += found
      if found.isEmpty { unread.append(field) }
    }
  }

  private static func looksLikeConfig(_ text: String) -> Bool {
    ["static_resources", "staticResources", "envoy.extensions.filters.http.", "envoyExtAuthz"]
      .contains { text.contains($0) }
  }
}
