extension QuotaTable {
  /// The partition of a call that is under way; nil where there is no such call.
  package func partition(ofCall id: UInt64) -> Int? { sharing?.calls[id]?.call.partition }
}
