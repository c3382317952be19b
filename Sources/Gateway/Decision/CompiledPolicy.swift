import Books
import Ledger
import Policy
import Terms

/// A policy and what the gateway computes from it once, at a reload, and reads for every request.
package final class CompiledPolicy: Sendable {
  package let snapshot: PolicySnapshot
  let names: PolicyHeaderNames
  let issuers: [JWTIssuerKeys]
  let prepared: PreparedReplies
  let ownHeaders: OwnHeaders
  /// The policy knows callers by certificate, so Envoy's attribute for it is read.
  let readsCertificates: Bool
  /// Some model has aliases, or its bodies may have to be rewritten under its own name too.
  let renames: Bool
  /// By model: some route of it has an `upstream_model`, streams are asked for their usage, or bounds
  /// are rewritten.
  private let renamed: [Bool]

  /// Whether a body that names the model so may have to be rewritten.
  func mayRename(_ model: Model, _ name: [UInt8]) -> Bool {
    renamed[model.index] || name != model.name.bytes
  }

  /// The limits that count; nil where nothing is counted.
  let limits: PolicyLimits?

  /// The policy's keys that are revoked, by tenant.
  private let revoked: [Int: Set<Int>]

  /// Whether a tenant's key is refused whatever the policy says.
  func isRevoked(_ tenant: Tenant, keyIndex: Int) -> Bool {
    !revoked.isEmpty && revoked[tenant.index]?.contains(keyIndex) == true
  }

  package init(
    _ snapshot: PolicySnapshot, limits: PolicyLimits? = nil, revoked: Revocations = Revocations()
  ) {
    self.snapshot = snapshot
    let keys = revoked.isEmpty ? [] : snapshot.keys { revoked.contains(digest: $0) }
    self.revoked = Dictionary(grouping: keys, by: \.tenant).mapValues { Set($0.map(\.key)) }
    self.limits = limits
    names = PolicyHeaderNames(snapshot)
    prepared = PreparedReplies(snapshot)
    ownHeaders = OwnHeaders(snapshot)
    issuers = snapshot.jwt.map(JWTIssuerKeys.init)
    readsCertificates = snapshot.clientCertificates
    let renamed = snapshot.models.map { model in
      limits != nil && model.streamUsage != .asAsked || model.mayRewriteBound
        || model.routes.contains { $0.upstreamModel != nil }
    }
    self.renamed = renamed
    renames = snapshot.models.contains { !$0.aliases.isEmpty || renamed[$0.index] }
  }
}
