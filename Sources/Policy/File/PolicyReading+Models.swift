import Bytes
import Terms

extension PolicyReading {
  private static let modelFields = [
    "aliases", "class", "provider", "routes", "sticky", "paths", "max_output_tokens",
    "context_tokens",
    "bound", "bound_above", "bound_fields", "allow_fields", "stream_usage",
    "price_usd_per_million", "price_usd_per_request", "price_usd_per_minute",
    "price_usd_per_image", "price_usd_per_thousand",
  ]

  /// An entry of `models`.
  func model(_ named: NamedNode) -> ModelDraft? {
    var draft = ModelDraft(named: named)
    guard checkModelName(named.name, at: named.keyPlace, named.node.path) else { return nil }
    // Kept although it is not an object: references to its name must not be reported as well.
    guard let fields = fields(named.node, known: Self.modelFields) else { return draft }
    draft.aliases = list(fields["aliases"], max: bounds.aliasesMax, "aliasesMax").compactMap {
      node in modelName(node).map { PlacedText(text: $0, node: node) }
    }
    if let node = fields["class"] {
      draft.className = name(node).map { PlacedText(text: $0, node: node) }
    } else {
      missing(named.node, "class", "the name of one of `classes`")
    }
    draft.provider = fields["provider"].flatMap { name($0) }
    readRoutes(fields, into: &draft)
    if let node = fields["sticky"], let sticky = stickiness(node) { draft.sticky = sticky }
    draft.paths = fields["paths"].map(paths)
    readRequests(fields, into: &draft)
    draft.streamUsageNode = fields["stream_usage"]
    draft.streamUsage = fields["stream_usage"].flatMap {
      choice(
        $0, [("inject", StreamUsage.inject), ("as_asked", .asAsked), ("continuous", .continuous)])
    }
    draft.prices = readPrices(fields, into: &draft)
    return draft
  }

  private func readRoutes(_ fields: Fields, into draft: inout ModelDraft) {
    guard let node = fields["routes"] else {
      missing(fields.node, "routes", "`routes: [{ name: \"…\" }]`")
      return
    }
    let errorsBefore = log.errorCount
    let nodes = list(node, max: bounds.routesMax, "routesMax")
    var names: [PlacedText] = []
    for node in nodes {
      guard let fields = self.fields(node, known: ["name", "weight", "upstream_model"]) else {
        continue
      }
      let weight = fields["weight"].map { integer($0, in: 0...bounds.weightMax) } ?? 1
      let upstream = fields["upstream_model"]
      let upstreamName = upstream.flatMap(modelName)
      if let upstream { draft.upstreamModelNodes.append(upstream) }
      guard let nameNode = fields["name"] else {
        missing(node, "name", "the route's name, which Envoy maps to a cluster")
        continue
      }
      guard let name = name(nameNode), let weight else { continue }
      names.append(PlacedText(text: name, node: nameNode))
      draft.routes.append(
        ModelRoute(
          name: HeaderText(name), weight: weight, upstreamModel: upstreamName.map(HeaderText.init)))
    }
    refuseRepeats(names, "the route")
    guard log.errorCount == errorsBefore else { return }
    if nodes.isEmpty {
      log.error(node, "must list at least one route")
    } else if draft.routes.allSatisfy({ $0.weight == 0 }) {
      log.error(node, "all weights are 0; give at least one route a weight")
    }
  }

  private func stickiness(_ node: Node) -> Stickiness? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "text in quotes")
      return nil
    }
    if text == "request" { return .request }
    if text == "subject" { return .subject }
    let prefix = "header:"
    guard text.hasPrefix(prefix), HeaderValue.isToken(text.dropFirst(prefix.count).utf8),
      text.utf8.count <= bounds.textBytesMax
    else {
      log.error(
        node,
        "must be \"request\", \"subject\" or \"header:\" and a header's name"
          + Suggestion.text(for: text, among: ["request", "subject", prefix + "x-session-id"]))
      return nil
    }
    return .header(text.dropFirst(prefix.count).lowercased())
  }
}
