extension PolicyReading {
  /// An entry of `plans`. `maxSubjects` is the policy's own, for limits that state none.
  func plan(_ named: NamedNode, maxSubjects: Int) -> PlanDraft? {
    guard checkName(named.name, at: named.keyPlace, named.node.path),
      let fields = fields(named.node, known: ["allow", "limits"])
    else { return nil }
    var draft = PlanDraft(named: named)
    (draft.allow, draft.hasAllow) = allowEntries(fields["allow"])
    draft.limits = limits(fields["limits"], owner: .tenant, maxSubjects: maxSubjects)
    for index in draft.limits.indices { draft.limits[index].limit?.plan = named.name }
    return draft
  }

  /// An entry of `groups`.
  func group(_ named: NamedNode, maxSubjects: Int) -> GroupDraft? {
    guard checkName(named.name, at: named.keyPlace, named.node.path),
      let fields = fields(named.node, known: ["tenants", "limits"])
    else { return nil }
    var draft = GroupDraft(named: named)
    if let tenants = fields["tenants"] {
      draft.tenants = list(tenants, max: bounds.tenantsMax, "tenantsMax").compactMap { node in
        name(node).map { PlacedText(text: $0, node: node) }
      }
      refuseRepeats(draft.tenants, "the tenant")
    } else {
      missing(named.node, "tenants", "`tenants: [\"tenant-a\"]`, the tenants of the group")
    }
    draft.limits = limits(fields["limits"], owner: .group, maxSubjects: maxSubjects)
    return draft
  }
}
