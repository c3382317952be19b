import Quota
import Redis
import Store

/// Which server has which partition. A value, without sockets.
struct StoreMap {
  private let kind: StoreAddress.Kind
  private let seeds: [RedisNode]
  /// The one server, or the master that Sentinels have named.
  private(set) var master: RedisNode?
  /// Of a cluster, by the partition's slot.
  private var byPartition: [RedisNode?]
  /// The next seed, or Sentinel, that is asked.
  private var turn = 0

  init(_ address: StoreAddress) {
    kind = address.kind
    seeds = address.servers
    byPartition = Array(repeating: nil, count: SharedKey.partitions)
    if case .single = kind { master = seeds[0] }
  }

  /// The server of a partition; nil where nobody has said it yet.
  func server(of partition: Int) -> RedisNode? {
    kind == .cluster ? byPartition[partition] : master
  }

  /// The server that keeps the key in which replicas say that they live.
  var presenceServer: RedisNode? { kind == .cluster ? presence : master }
  private var presence: RedisNode?

  /// Whom to ask where the servers are: a seed of a cluster, a Sentinel.
  var guide: RedisNode { seeds[turn % seeds.count] }

  /// The guide does not answer: the next one is asked.
  mutating func guideFailed() { turn = (turn + 1) % seeds.count }

  /// Every server that is connected to.
  var servers: Set<RedisNode> {
    var all = Set(byPartition.compactMap(\.self))
    if let master { all.insert(master) }
    if let presence { all.insert(presence) }
    return all
  }

  /// The answer to SENTINEL get-master-addr-by-name; true where the master is another one now, nil
  /// where it names none.
  mutating func take(master value: RESPValue) -> Bool? {
    guard let elements = value.elements, elements.count == 2, let host = elements[0].text,
      !host.isEmpty, let port = elements[1].number,
      let node = guide.sibling(host: host, port: port)
    else { return nil }
    defer { master = node }
    return master != node
  }

  /// The answer to CLUSTER SLOTS, from that server: `[first, last, [host, port, …], replicas…]` each.
  /// False where it is none, or leaves out what we need.
  mutating func take(slots value: RESPValue, from server: RedisNode) -> Bool {
    guard let ranges = value.elements, ranges.count <= HashSlot.count else { return false }
    var nodes = [RedisNode?](repeating: nil, count: HashSlot.count)
    // A slot is on one server. Ranges that overlap could name each slot thousands of times.
    var slotsLeft = Int64(HashSlot.count)
    for range in ranges {
      guard let parts = range.elements, parts.count >= 3, let first = parts[0].number,
        let last = parts[1].number, first >= 0, first <= last, last < Int64(HashSlot.count),
        last - first < slotsLeft,
        let master = parts[2].elements, master.count >= 2, let port = master[1].number,
        let node = server.sibling(host: master[0].text ?? "", port: port)
      else { return false }
      slotsLeft -= last - first + 1
      for slot in Int(first)...Int(last) { nodes[slot] = node }
    }
    for partition in 0..<SharedKey.partitions {
      byPartition[partition] = nodes[StoreKeys.slot(ofPartition: partition)]
    }
    presence = nodes[StoreKeys.presenceSlot]
    return true
  }

  /// A server said that the slot is another one's from now on.
  mutating func moved(slot: Int, to node: RedisNode) {
    for partition in 0..<SharedKey.partitions where StoreKeys.slot(ofPartition: partition) == slot {
      byPartition[partition] = node
    }
    if StoreKeys.presenceSlot == slot { presence = node }
  }
}
