import Terms

extension PolicyReading {
  /// A model's bounds, and the fields that requests for it may have.
  func readRequests(_ fields: Fields, into draft: inout ModelDraft) {
    if let node = fields["max_output_tokens"] {
      draft.requests.maxOutputTokens = integer(node, in: bounds.outputTokens)
    }
    if let node = fields["context_tokens"], let tokens = integer(node, in: bounds.outputTokens) {
      draft.requests.contextTokens = tokens
    }
    if let node = fields["bound"],
      let bound = choice(node, [("as_asked", BoundWriting.asAsked), ("inject", .inject)])
    {
      draft.requests.bound = bound
      draft.boundNode = bound == .inject ? node : nil
    }
    if let node = fields["bound_above"],
      let above = choice(node, [("refuse", BoundAbove.refuse), ("clamp", .clamp)])
    {
      draft.requests.boundAbove = above
      draft.boundAboveNode = above == .clamp ? node : nil
    }
    if let node = fields["bound_fields"] {
      draft.requests.boundFields = words(node, BoundField.allCases)
      if case .array(let elements) = node.value.kind, elements.isEmpty {
        log.error(node, "must list at least one field")
      }
    }
    if let node = fields["allow_fields"] {
      draft.requests.allowFields = Set(words(node, GuardedField.allCases))
    }
    guard fields["max_output_tokens"] == nil else { return }
    for node in [draft.boundNode, draft.boundAboveNode].compactMap(\.self) {
      log.error(node, "needs `max_output_tokens`, which is what it writes; add it")
    }
  }

  /// A list of words, none of them twice.
  private func words<Word: RawRepresentable<String>>(_ node: Node, _ all: [Word]) -> [Word] {
    var texts: [PlacedText] = []
    let found = list(node, max: bounds.fieldsMax, "fieldsMax").compactMap { node -> Word? in
      let word = choice(node, all.map { ($0.rawValue, $0) })
      if let word { texts.append(PlacedText(text: word.rawValue, node: node)) }
      return word
    }
    refuseRepeats(texts, "the field")
    return found
  }
}
