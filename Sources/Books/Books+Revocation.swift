import Foundation
import Ledger

/// Keys that are refused whatever the policy says.
extension Books {
  /// The keys that are refused whatever the policy says.
  package var revoked: Revocations { lock.withLock { revocations } }

  /// Revokes a key, or undoes that. Nil, and nothing is changed, where it cannot be recorded, or there
  /// are as many as there may be; else what is revoked from now on. `isOnRecord` says when it is on disk.
  package func revoke(_ revocation: Revocation) -> Revocations? {
    lock.withLock {
      guard revocation.isUndone || revocations.count < Revocations.countMax else { return nil }
      let now = readClock()
      switch writer?.enqueue(.revoke(revocation), timeMs: now) {
      case .queued, .carried: break
      case .refused, nil: return nil
      }
      revocations.apply(revocation)
      return revocations
    }
  }
}
