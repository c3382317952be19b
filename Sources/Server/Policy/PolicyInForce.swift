import Books
import Bytes
import Foundation
import Gateway
import Ledger
import Policy

/// The policy that new exchanges use: as it was read last, less the keys that are revoked. Whoever changes
/// one of the two has both compiled anew and given to every worker, in the order of the changes.
///
/// Any thread.
package final class PolicyInForce: Sendable {
  private let books: Books
  private let give: @Sendable (CompiledPolicy) -> Void
  /// One change after the other. Taken before the books' lock.
  private let order = NSLock()
  private let current: Locked<Current>

  private struct Current {
    let policy: PolicySnapshot
    let limits: PolicyLimits
  }

  /// `give` hands a policy to every worker.
  package init(
    _ policy: PolicySnapshot, _ limits: PolicyLimits, books: Books,
    give: @escaping @Sendable (CompiledPolicy) -> Void
  ) {
    self.books = books
    self.give = give
    current = Locked(Current(policy: policy, limits: limits))
  }

  /// Another policy was read.
  package func use(_ policy: PolicySnapshot, _ limits: PolicyLimits) {
    order.withLock {
      current.withLock { $0 = Current(policy: policy, limits: limits) }
      giveCurrent()
    }
  }

  private func giveCurrent() {
    let current = current.withLock { $0 }
    give(CompiledPolicy(current.policy, limits: current.limits, revoked: books.revoked))
  }

  /// Revokes a key, or undoes that, and returns when it is on disk. From then on no new exchange is let
  /// through with the key, whatever policy is read.
  package func revoke(tenant: String, keyID: String, undoes: Bool) -> ControlAnswer {
    let name = "\(tenant)/\(keyID)"
    let isQueued = order.withLock { () -> ControlAnswer? in
      let policy = current.withLock { $0.policy }
      let hashes = books.keyHashes(tenant: tenant, keyID: keyID, undoes: undoes, policy)
      guard !hashes.isEmpty else {
        return .refused(
          undoes ? "\(name) is not revoked" : "the policy in force has no key \(name)")
      }
      for hash in hashes {
        let change = Revocation(tenant: tenant, keyID: keyID, keyHash: hash, isUndone: undoes)
        guard books.revoke(change) != nil else {
          return .refused(
            "it cannot be recorded: the ledger takes nothing, or too many are revoked")
        }
      }
      giveCurrent()
      return nil
    }
    if let refused = isQueued { return refused }
    guard books.isOnRecord() else {
      return .refused(
        "\(name) is \(undoes ? "accepted" : "refused") now, but that is not on disk: the ledger cannot be"
          + " written")
    }
    return .done(undoes ? "\(name) is accepted again" : "\(name) is refused from now on")
  }
}

extension Books {
  /// The keys that are meant: the policy's key of that name; where it is undone, those that were revoked
  /// under it, whatever the policy says by now.
  package func keyHashes(
    tenant: String, keyID: String, undoes: Bool, _ policy: PolicySnapshot
  ) -> [SHA256Digest] {
    if undoes {
      return revoked.all.filter { $0.tenant == tenant && $0.keyID == keyID }.map(\.keyHash)
    }
    let digests = policy.keyDigests(tenant: tenant, keyID: keyID)
    return digests.map(Revocation.hash(ofDigest:))
  }
}
