/// What a replica may use of a limit for itself while the store is lost, beside its slices: `local`.
enum LocalShare {
  /// Of a budget and of slots: its part of what was left when the store was seen last.
  case left(Int64)
  /// Of a bucket: a bucket of its own, which begins empty. Its time is the boot clock's.
  case bucket(Bucket)

  /// The share of one of `replicas`. `seenLeft` is what was left when the store was seen last; nil
  /// where it never was. Nil where there is no share.
  init?(_ rule: LimitRule, seenLeft: Int64?, replicas: Int64, bootMs: Int64) {
    guard replicas > 0 else { return nil }
    guard case .bucket(let period, let capacity) = rule.window else {
      guard let seenLeft, seenLeft > 0 else { return nil }
      self = .left(seenLeft / replicas)
      return
    }
    guard rule.amount / replicas > 0, capacity / replicas > 0 else { return nil }
    var bucket = Bucket(
      amount: rule.amount / replicas, capacity: capacity / replicas, periodMilliseconds: period,
      now: bootMs)
    bucket.take(capacity / replicas)
    self = .bucket(bucket)
  }

  mutating func available(at bootMs: Int64) -> Int64 {
    switch self {
    case .left(let left): return left
    case .bucket(var bucket):
      bucket.advance(to: bootMs)
      self = .bucket(bucket)
      return max(0, bucket.level)
    }
  }

  mutating func take(_ units: Int64) {
    switch self {
    case .left(let left): self = .left(max(0, left.minusSaturating(units)))
    case .bucket(var bucket):
      bucket.take(units)
      self = .bucket(bucket)
    }
  }
}
