/// Whose a host is.
package enum HostOwner: Equatable, Sendable {
  /// An index into `tenants`.
  case tenant(Int)
  /// In `shared_hostnames`, or any host that is nobody's where that is absent.
  case shared
  /// `shared_hostnames` is given and this host is not in it; or the host is malformed.
  case nobody
}

/// The hosts of a policy.
struct HostTable: Sendable {
  private static let sharedValue = -1
  private var names = ByteTable(foldsCase: true)
  private var addresses: [IPv6Address: Int] = [:]
  /// What a host is that is not in the table.
  let others: HostOwner

  /// `others`: what hosts are that nobody claims.
  init(others: HostOwner) { self.others = others }

  /// Adds a host of a tenant, or a shared one where `tenant` is nil.
  mutating func insert(_ host: String, tenant: Int?) {
    let bytes = Array(host.utf8)
    let value = tenant ?? Self.sharedValue
    switch HostName(bytes.span) {
    case .name(let range): names.insert(Array(bytes[range]), value: value)
    case .ipv6(let address): addresses[address] = value
    case nil: preconditionFailure("a malformed host in a validated policy")
    }
  }

  /// Case, port and one trailing dot do not matter; a malformed host is nobody's.
  func owner(of host: Span<UInt8>) -> HostOwner {
    let value: Int?
    switch HostName(host) {
    case .name(let range): value = names[host.extracting(range)]
    case .ipv6(let address): value = addresses[address]
    case nil: return .nobody
    }
    guard let value else { return others }
    return value == Self.sharedValue ? .shared : .tenant(value)
  }
}
