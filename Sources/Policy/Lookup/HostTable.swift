/// To whom a host belongs.
package enum HostOwner: Equatable, Sendable {
  /// A tenant, by its index in `PolicySnapshot.tenants`.
  case tenant(Int)
  /// All tenants: it is in `shared_hostnames`, or the policy has no such list and it is no tenant's.
  case shared
  /// Nobody: the policy has `shared_hostnames` and does not name the host, or the host is malformed.
  case nobody
}

/// The hosts of a policy and their owners.
struct HostTable: Sendable {
  private static let sharedValue = -1
  private var names = ByteTable(foldsCase: true)
  private var addresses: [IPv6Address: Int] = [:]
  /// The owner of the hosts that are not in the table.
  let others: HostOwner

  /// `others`: the owner of the hosts that are not in the table.
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

  /// The owner of a host. Case, port and one trailing dot are ignored; a malformed host is nobody's.
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
