import Quota
import Redis
import Store
import Testing

@testable import Server

/// Which server has which partition.
@Suite struct StoreMapTests {
  private static let seeds = [RedisNode.tcp(host: "a", port: 1), .tcp(host: "b", port: 2)]

  private static func text(_ text: String) -> RESPValue { .string(Array(text.utf8)) }

  private static func range(_ first: Int64, _ last: Int64, _ host: RESPValue, _ port: Int64)
    -> RESPValue
  {
    .list([
      .integer(first), .integer(last), .list([host, .integer(port), text("id"), .list([])]),
      .list([text("replica"), .integer(9)]),
    ])
  }

  @Test func `One server has everything`() {
    let map = StoreMap(StoreAddress(.single, [Self.seeds[0]]))
    #expect((0..<SharedKey.partitions).allSatisfy { map.server(of: $0) == Self.seeds[0] })
    #expect(map.presenceServer == Self.seeds[0] && map.servers == [Self.seeds[0]])
  }

  @Test(
    arguments: [
      ("redis://a:1", StoreAddress(.single, [seeds[0]])),
      ("redis://a:1/3", StoreAddress(.single, [seeds[0]], database: 3)),
      ("redis://[::1]:6379", StoreAddress(.single, [.tcp(host: "::1", port: 6379)])),
      ("redis+unix:/run/redis.sock", StoreAddress(.single, [.unix(path: "/run/redis.sock")])),
      ("redis://a:1,b:2?cluster", StoreAddress(.cluster, seeds)),
      (
        "redis://a:1,b:2/4?sentinel=main",
        StoreAddress(.sentinel(name: "main"), seeds, database: 4)
      ),
    ] as [(String, StoreAddress)])
  func `An address says which servers there are`(text: String, address: StoreAddress) throws {
    #expect(try StoreAddressText(text).address == address)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("::1", true), ("localhost", true), ("10.0.0.1", false),
    ("redis", false), ("0.0.0.0", false),
  ])
  func `Only loopback is on this machine`(host: String, isLocal: Bool) {
    #expect(RedisNode.tcp(host: host, port: 1).isLocal == isLocal)
    #expect(RedisNode.unix(path: "/s").isLocal)
  }

  private func cluster() -> StoreMap { StoreMap(StoreAddress(.cluster, Self.seeds)) }

  @Test func `A cluster's servers have the partitions by their slots`() {
    var map = cluster()
    #expect(map.server(of: 0) == nil && map.presenceServer == nil && map.servers.isEmpty)
    let slots = RESPValue.list([
      Self.range(0, 8_191, Self.text("x"), 7000), Self.range(8_192, 16_383, Self.text("y"), 7001),
    ])
    do {
      let isTaken = map.take(slots: slots, from: Self.seeds[0])
      #expect(isTaken)
    }
    for partition in 0..<SharedKey.partitions {
      let isFirst = StoreKeys.slot(ofPartition: partition) < 8_192
      #expect(
        map.server(of: partition) == .tcp(host: isFirst ? "x" : "y", port: isFirst ? 7000 : 7001))
    }
    #expect(map.servers == [.tcp(host: "x", port: 7000), .tcp(host: "y", port: 7001)])
    let slot = StoreKeys.slot(ofPartition: 5)
    map.moved(slot: slot, to: .tcp(host: "z", port: 7002))
    #expect(map.server(of: 5) == .tcp(host: "z", port: 7002))
    map.moved(slot: StoreKeys.presenceSlot, to: .tcp(host: "z", port: 7002))
    #expect(map.presenceServer == .tcp(host: "z", port: 7002))
  }

  @Test func `A server that does not say its host is the one that was asked`() {
    for host in [RESPValue.null, Self.text(""), Self.text("?")] {
      var map = cluster()
      let slots = RESPValue.list([Self.range(0, 16_383, host, 7000)])
      do {
        let isTaken = map.take(slots: slots, from: Self.seeds[1])
        #expect(isTaken)
      }
      #expect(map.server(of: 3) == .tcp(host: "b", port: 7000))
    }
  }

  @Test func `Slots that nobody has are known to be nobody's`() {
    var map = cluster()
    let slots = RESPValue.list([Self.range(0, 100, Self.text("x"), 7000)])
    do {
      let isTaken = map.take(slots: slots, from: Self.seeds[0])
      #expect(isTaken)
    }
    let lacking = (0..<SharedKey.partitions).first { StoreKeys.slot(ofPartition: $0) > 100 }
    #expect(lacking.map { map.server(of: $0) == nil } == true)
  }

  @Test(
    arguments: [
      .null, .integer(1), .error(RedisError(word: "ERR", text: "no cluster")), .list([.integer(1)]),
      .list([.list([.integer(0), .integer(1)])]),
      .list([range(-1, 5, text("x"), 1)]), .list([range(5, 4, text("x"), 1)]),
      .list([range(0, -1, text("x"), 1)]), .list([range(-3, -2, text("x"), 1)]),
      .list([range(0, .min, text("x"), 1)]), .list([range(.min, .max, text("x"), 1)]),
      .list([range(0, 16_384, text("x"), 1)]), .list([range(0, .max, text("x"), 1)]),
      .list([range(0, 5, text("x"), 0)]), .list([range(0, 5, text("x"), 65_536)]),
      .list([range(0, 5, text("a b"), 1)]),
      // A slot is on one server: what names more than there are could keep us busy for minutes.
      .list([range(0, 16_383, text("y"), 1), range(5, 5, text("z"), 1)]),
      .list([range(0, 8_191, text("y"), 1), range(8_191, 16_383, text("z"), 1)]),
      .list([RESPValue](repeating: range(0, 16_383, text("y"), 1), count: 16_384)),
      .list([.list([.integer(0), .integer(1), .list([text("x")])])]),
      .list([.list([.integer(0), .integer(1), .integer(7)])]),
    ] as [RESPValue]) func `What says no slots changes nothing`(value: RESPValue)
  {
    var map = cluster()
    let slots = RESPValue.list([Self.range(0, 16_383, Self.text("x"), 7000)])
    do {
      let isTaken = map.take(slots: slots, from: Self.seeds[0])
      #expect(isTaken)
    }
    do {
      let isTaken = map.take(slots: value, from: Self.seeds[0])
      #expect(!isTaken)
    }
    #expect(map.servers == [.tcp(host: "x", port: 7000)])
  }

  @Test func `The master is whom a Sentinel names, and another one is noticed`() {
    var map = StoreMap(StoreAddress(.sentinel(name: "m"), Self.seeds))
    #expect(map.server(of: 0) == nil)
    let named = RESPValue.list([Self.text("10.0.0.1"), Self.text("6379")])
    let changes = [map.take(master: named), map.take(master: named)]
    #expect(changes == [true, false])
    #expect(map.server(of: 63) == .tcp(host: "10.0.0.1", port: 6379))
    #expect(map.presenceServer == map.master)
    for none in [
      RESPValue.null, .error(RedisError(word: "ERR")), .list([]), .list([Self.text("x")]),
      .list([Self.text(""), Self.text("1")]), .list([Self.text("x"), Self.text("port")]),
      .list([Self.text("x"), Self.text("0")]), .list([.null, Self.text("1")]),
    ] {
      let change = map.take(master: none)
      #expect(change == nil)
    }
    #expect(map.master == .tcp(host: "10.0.0.1", port: 6379))
  }

  @Test func `Guides are asked in turn`() {
    var map = cluster()
    var asked: [RedisNode] = []
    for _ in 0..<3 {
      asked.append(map.guide)
      map.guideFailed()
    }
    #expect(asked == [Self.seeds[0], Self.seeds[1], Self.seeds[0]])
  }
}
