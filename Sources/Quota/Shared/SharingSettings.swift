/// How limits are shared.
package struct SharingSettings: Sendable, Equatable {
  /// `--lease on`: a limit that is used often is asked for a slice, so that most admissions ask
  /// nobody. Else every admission asks for exactly what it needs.
  package var usesLeases: Bool
  /// `--lease-ttl`: how long the store holds room for a bucket's slice and for slots of a replica
  /// that it does not hear of.
  package var leaseMilliseconds: Int64

  package init(usesLeases: Bool = true, leaseMilliseconds: Int64 = 10_000) {
    self.usesLeases = usesLeases
    self.leaseMilliseconds = max(1, leaseMilliseconds)
  }

  /// How long a slice may be spent after its statement was sent: a tenth less than the store holds
  /// room for it after it took the statement in.
  var validMilliseconds: Int64 { leaseMilliseconds - leaseMilliseconds / 10 }
  /// How often slots in use are stated: the store takes back those it does not hear of.
  var restatedMilliseconds: Int64 { max(1, leaseMilliseconds / 3) }
}
