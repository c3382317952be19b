import Quota
import Redis
import Store
import Testing

@testable import Server

/// Which server has which partition, by what Sentinels and clusters say.
@Suite struct StoreMapTests {
  private static func node(_ port: UInt16, _ host: String = "10.0.0.1") -> RedisNode {
    .tcp(host: host, port: port)
  }

  private static func text(_ text: String) -> RESPValue { .string(Array(text.utf8)) }

  private static func range(_ first: Int64, _ last: Int64, _ port: Int64, host: String = "10.0.0.1")
    -> RESPValue
  {
    .list([
      .integer(first), .integer(last), .list([text(host), .integer(port), text("id")]),
      .list([text(host), .integer(port + 1), text("replica")]),
    ])
  }

  @Test func `one server has everything`() {
    let map = StoreMap(StoreAddress(.single, [Self.node(1)]))
    #expect((0..<SharedKey.partitions).allSatisfy { map.server(of: $0) == Self.node(1) })
    #expect(map.presenceServer == Self.node(1) && map.servers == [Self.node(1)])
  }

  @Test func `Sentinels say who the master is, and one that is silent is passed over`() {
    var map = StoreMap(StoreAddress(.sentinel(name: "m"), [Self.node(1), Self.node(2)]))
    #expect(map.server(of: 0) == nil && map.servers.isEmpty)
    let first = map.take(master: .list([Self.text("10.0.0.9"), Self.text("7")]))
    #expect(first && map.server(of: 63) == Self.node(7, "10.0.0.9"))
    let again = map.take(master: .list([Self.text("10.0.0.9"), Self.text("7")]))
    #expect(!again)
    for odd in [
      .null, .integer(1), .list([]), .list([Self.text("a b"), Self.text("7")]),
      .list([Self.text("10.0.0.9"), Self.text("0")]),
      .list([Self.text("10.0.0.9"), Self.text("70000")]),
    ] as [RESPValue] {
      let changed = map.take(master: odd)
      #expect(!changed && map.server(of: 0) == Self.node(7, "10.0.0.9"))
    }
    let before = map.guide
    map.guideFailed()
    #expect(map.guide != before)
    map.guideFailed()
    #expect(map.guide == before)
  }

  @Test func `a cluster's servers have the partitions of their slots, and slots move`() {
    var map = StoreMap(StoreAddress(.cluster, [Self.node(1)]))
    let taken = map.take(
      slots: .list([
        Self.range(0, 5_460, 7_000), Self.range(5_461, 10_922, 7_001),
        Self.range(10_923, 16_383, 7_002, host: ""),
      ]), from: Self.node(1, "seed"))
    #expect(taken)
    for partition in 0..<SharedKey.partitions {
      let slot = StoreKeys.slot(ofPartition: partition)
      let expected =
        slot <= 5_460
        ? Self.node(7_000) : slot <= 10_922 ? Self.node(7_001) : Self.node(7_002, "seed")
      #expect(map.server(of: partition) == expected)
    }
    #expect(map.servers.count == 3)
    let slot = StoreKeys.slot(ofPartition: 9)
    map.moved(slot: slot, to: Self.node(7_009))
    #expect(map.server(of: 9) == Self.node(7_009))
    #expect(map.partitions(of: Self.node(7_009)) == [9])
  }

  @Test func `an answer that is none changes nothing`() {
    var map = StoreMap(StoreAddress(.cluster, [Self.node(1)]))
    for odd in [
      .null, .list([.integer(1)]), .list([Self.range(5, 4, 1)]), .list([Self.range(0, 16_384, 1)]),
      .list([Self.range(-1, 4, 1)]), .list([Self.range(0, 4, 0)]), .list([.list([.integer(0)])]),
    ] as [RESPValue] {
      let taken = map.take(slots: odd, from: Self.node(1))
      #expect(!taken && map.servers.isEmpty)
    }
    // Slots that nobody serves: their partitions have no server.
    let partial = map.take(slots: .list([Self.range(0, 1, 7_000)]), from: Self.node(1))
    #expect(partial && map.server(of: 0) == nil)
  }

  @Test(arguments: [
    ("redis://127.0.0.1:6379", StoreAddress(.single, [node(6_379, "127.0.0.1")])),
    ("redis://127.0.0.1:6379/3", StoreAddress(.single, [node(6_379, "127.0.0.1")], database: 3)),
    ("redis://[::1]:6379", StoreAddress(.single, [node(6_379, "::1")])),
    ("redis+unix:/run/redis.sock", StoreAddress(.single, [.unix(path: "/run/redis.sock")])),
    (
      "redis://a:1,b:2?cluster", StoreAddress(.cluster, [node(1, "a"), node(2, "b")])
    ),
    (
      "redis://a:1,b:2/4?sentinel=main",
      StoreAddress(.sentinel(name: "main"), [node(1, "a"), node(2, "b")], database: 4)
    ),
  ]) func `an address says which servers there are`(text: String, address: StoreAddress) throws {
    #expect(StoreAddress(try StoreAddressText(text)) == address)
  }
}
