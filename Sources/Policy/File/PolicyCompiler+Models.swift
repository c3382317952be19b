import Terms

extension PolicyCompiler {
  /// Checks the models' classes, aliases and paths, and that every class is used.
  func checkModels() {
    let classNames = draft.classes.map(\.named.name)
    let known = Set(classNames)
    var used: Set<String> = []
    for model in draft.models {
      if let className = model.className {
        used.insert(className.text)
        if !known.contains(className.text) {
          log.error(
            className.node,
            "there is no class \(quoted(className.text))"
              + (Suggestion.text(for: className.text, among: classNames)))
        }
      }
      checkAliases(model)
      for path in model.paths ?? [] where endpointsByPath[path.text] == nil {
        log.error(
          path.node,
          "\(quoted(path.text)) is not a known endpoint, and only known endpoints have models"
            + Suggestion.text(for: path.text, among: endpointsByPath.keys.sorted()))
      }
    }
    for draft in draft.classes where !used.contains(draft.named.name) {
      log.useWarning(
        draft.named.keyPlace, draft.named.node.path,
        "no model is of this class; remove it or use it")
    }
  }

  private func checkAliases(_ model: ModelDraft) {
    for alias in model.aliases {
      if alias.text == model.name {
        log.error(alias.node, "is the model's own name; remove it")
      } else if let other = modelIndices[alias.text] {
        let place = log.text(of: draft.models[other].named.keyPlace)
        log.error(
          alias.node, "\(quoted(alias.text)) is the name of a model already, at \(place)")
      }
    }
  }

  /// Reports aliases that are given twice, to one model or to two.
  func checkAliasRepeats() {
    var first: [String: Node] = [:]
    for alias in draft.models.flatMap(\.aliases) {
      if let earlier = first[alias.text] {
        log.error(
          alias.node,
          "the alias \(quoted(alias.text)) is given twice; the first is at \(log.text(of: earlier.place))"
        )
      } else {
        first[alias.text] = alias.node
      }
    }
  }

  /// Reports each pattern that matches no model.
  func checkPatterns(_ patterns: [PlacedText]) {
    for pattern in patterns where models(matching: [pattern.text]).isEmpty {
      if let index = aliasIndices[pattern.text] {
        log.error(
          pattern.node,
          "\(quoted(pattern.text)) is an alias; write the model's own name, "
            + quoted(draft.models[index].name))
      } else {
        log.error(
          pattern.node,
          "\(quoted(pattern.text)) matches no model"
            + Suggestion.text(for: pattern.text, among: draft.models.map(\.name)))
      }
    }
  }

  /// Warns of models that no tenant may use.
  func checkUse() {
    for (index, model) in draft.models.enumerated() where !allowedSomewhere.contains(index) {
      log.useWarning(
        model.named.keyPlace, model.named.node.path,
        "no tenant is allowed this model; list it in an `allow` entry or remove it")
    }
  }

  /// Reports settings that need ext_proc where `enforce_at` is "ext_authz": an ext_authz check sees no
  /// response and cannot change the body.
  func checkEnforcementPoint() {
    guard draft.settings.enforceAt == .extAuthz else { return }
    let reason = "enforce_at \"ext_authz\""
    for node in draft.classes.compactMap(\.maxConcurrentNode) {
      log.error(node, "\(reason) never sees a request end, so it cannot count what runs; remove it")
    }
    for model in draft.models {
      for alias in model.aliases {
        log.error(alias.node, "\(reason) rewrites no body, which an alias needs; remove it")
      }
      for node in model.upstreamModelNodes {
        log.error(node, "\(reason) rewrites no body, which this needs; remove it")
      }
      if let node = model.boundNode {
        log.error(node, "\(reason) rewrites no body, which this needs; write \"as_asked\"")
      }
      if let node = model.boundAboveNode {
        log.error(node, "\(reason) rewrites no body, which this needs; write \"refuse\"")
      }
      if let node = model.streamUsageNode, let usage = model.streamUsage, usage != .asAsked {
        log.error(node, "\(reason) rewrites no body, which this needs; write \"as_asked\"")
      }
    }
    warnOfResponseIDs(reason)
    let limits =
      draft.limits + draft.plans.flatMap(\.limits) + draft.groups.flatMap(\.limits)
      + draft.tenants.flatMap { $0.limits + $0.keys.flatMap(\.limits) }
    for limit in limits where limit.limit?.kind == .concurrent {
      log.error(
        limit.node, "\(reason) never sees a request end, so it cannot count what runs; remove it")
    }
  }

  /// Who sees no answers does not know which ids it gave to whom: every id passes. That is said where
  /// somebody may continue an answer at all.
  private func warnOfResponseIDs(_ reason: String) {
    guard draft.settings.responseIDs != .any else { return }
    let paths = (draft.plans.flatMap(\.allow) + draft.tenants.flatMap(\.allow)).flatMap(\.paths)
    guard let path = paths.first(where: { endpointsByPath[$0.text] == .responses }) else { return }
    let node = draft.responseIDsNode ?? path.node
    log.useWarning(
      node.place, node.path,
      "\(reason) sees no answers, so it cannot tell whose a response id is: every one passes; "
        + "write `response_ids: \"any\"`")
  }
}
