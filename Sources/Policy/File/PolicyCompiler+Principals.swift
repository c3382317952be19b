extension PolicyCompiler {
  private struct Claim {
    let pattern: PrincipalPattern
    let tenant: Int
    let node: Node
    let order: Int
  }

  /// Reports principals of two tenants that one certificate can match: such a caller would belong to
  /// neither.
  func checkPrincipals() {
    var claims: [Claim] = []
    for (index, tenant) in draft.tenants.enumerated() {
      for principal in tenant.principals {
        claims.append(
          Claim(
            pattern: PrincipalPattern(principal.text), tenant: index, node: principal.node,
            order: claims.count))
      }
    }
    // Two patterns can overlap only where the literal prefix of one is a prefix of the other's. Sorted
    // by it, such patterns follow each other, so that not every pair has to be compared.
    claims.sort {
      ($0.pattern.literalPrefix, $0.order).0 == $1.pattern.literalPrefix
        ? $0.order < $1.order
        : $0.pattern.literalPrefix.lexicographicallyPrecedes($1.pattern.literalPrefix)
    }
    for (at, claim) in claims.enumerated() {
      for other in claims[(at + 1)...] {
        guard other.pattern.literalPrefix.starts(with: claim.pattern.literalPrefix) else { break }
        if claim.tenant != other.tenant, claim.pattern.overlaps(other.pattern) {
          report(claim, other)
        }
      }
    }
  }

  private func report(_ a: Claim, _ b: Claim) {
    let (first, second) = a.order < b.order ? (a, b) : (b, a)
    let other = draft.tenants[first.tenant].named.name
    log.error(
      second.node,
      "overlaps \(quoted(first.pattern.text)) of tenant \(quoted(other)), at "
        + "\(log.text(of: first.node.place)): one certificate could be both")
  }
}
