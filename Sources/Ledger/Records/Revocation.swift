import Bytes

/// A key that is refused whatever the policy says of it, until that is undone. The record `revoke` is one,
/// or says that one is over; a checkpoint lists all of them.
package struct Revocation: Equatable, Sendable {
  /// Whose key it was when it was revoked.
  package var tenant: String
  /// What the policy called it then.
  package var keyID: String
  /// Which key it is: see `hash(ofDigest:)`.
  package var keyHash: SHA256Digest
  /// Whether the key is accepted again; never in a checkpoint.
  package var isUndone = false

  package init(tenant: String, keyID: String, keyHash: SHA256Digest, isUndone: Bool = false) {
    self.tenant = tenant
    self.keyID = keyID
    self.keyHash = keyHash
    self.isUndone = isUndone
  }

  /// The digest of a key's digest: the policy has the latter, and the ledger must not.
  package static func hash(ofDigest digest: SHA256Digest) -> SHA256Digest {
    var hash = SHA256()
    hash.update(digest)
    return hash.finalize()
  }
}

/// The keys that are revoked, by `Revocation.hash(ofDigest:)`.
package struct Revocations: Equatable, Sendable {
  /// The most keys that can be revoked at a time.
  package static let countMax = 100_000

  private var byHash: [SHA256Digest: Revocation] = [:]

  package init(_ revoked: [Revocation] = []) {
    for revocation in revoked { apply(revocation) }
  }

  package var isEmpty: Bool { byHash.isEmpty }
  package var count: Int { byHash.count }

  /// Whether a key with this digest is refused.
  package func contains(digest: SHA256Digest) -> Bool {
    !byHash.isEmpty && byHash[Revocation.hash(ofDigest: digest)] != nil
  }

  package subscript(hash: SHA256Digest) -> Revocation? { byHash[hash] }

  /// Takes a record over.
  package mutating func apply(_ revocation: Revocation) {
    byHash[revocation.keyHash] = revocation.isUndone ? nil : revocation
  }

  /// All of them, in an order that does not change.
  package var all: [Revocation] {
    byHash.values.sorted {
      ($0.tenant, $0.keyID, $0.keyHash.hex) < ($1.tenant, $1.keyID, $1.keyHash.hex)
    }
  }
}
