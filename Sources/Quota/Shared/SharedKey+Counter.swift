import Bytes
import Terms

extension SharedKey {
  /// The key of a limit's counter for this tenant, key or subject; `name` is the counter's name.
  init(_ rule: LimitRule, name: String, scopeValue: String) {
    let owner =
      switch rule.owner {
      case .global: CounterName.limit(rule.owner, rule.name)
      case .group(let group): "group/" + group
      case .tenant(let tenant), .key(let tenant, _): "tenant/" + tenant
      // A class's slots are counted for each tenant.
      case .trafficClass: "tenant/" + scopeValue
      }
    let shape =
      switch rule.window {
      case .bucket(let period, _): "bucket/\(period)"
      case .calendar(.day): "day"
      case .calendar(.week): "week"
      case .calendar(.month): "month"
      case .slots: "slots"
      }
    self.init(
      partition: Int(Self.digest(owner).words.0 % UInt64(SharedKey.partitions)),
      id: String(Self.digest("\(name)|\(rule.kind.rawValue)|\(shape)").hex.prefix(32)))
  }

  private static func digest(_ text: String) -> SHA256Digest {
    SHA256.digest(of: Array(text.utf8).span)
  }
}
