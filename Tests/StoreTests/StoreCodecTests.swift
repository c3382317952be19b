import Quota
import Redis
import Testing

@testable import Store

@Suite("Answers of the store")
struct StoreCodecTests {
  private static let statement = Statement(
    key: SharedKey(partition: 0, id: String(repeating: "1", count: 32)), shape: .slots, amount: 9,
    number: 4, hold: 0, unspent: 0, need: 2, want: 5)
  private static let call = StatementCall(partition: 0, statements: [statement])
  private static let good: [Int64] = [1, 1_800, 1, 0, 0, 0, 7, 0, 3, 3, 0, 0, 0, 0, 0, 1, 0]

  private func read(_ numbers: [Int64]) throws(StoreFailure) -> StatementCallAnswer {
    try StoreCodec.stateAnswer(.list(numbers.map { .integer($0) }), to: Self.call)
  }

  @Test("are read as the script gives them")
  func wellFormed() throws {
    let answer = try read(Self.good)
    #expect(answer.storeMs == 1_800 && answer.state == .open && answer.openingMs == 7)
    #expect(answer.answers[0].outcome == .granted(3))
    let opening = try read([1, 1_800, 0, 1, 2, 3, 7, 3, 0, 3, 0, 0, 0, 0, 0, 1, 0])
    #expect(
      opening.state == .opening(isClaimed: true, claimed: 2, expected: 3, sinceMs: 7))
  }

  /// What stands at a place instead of the good number.
  static let oddNumbers: [(place: Int, number: Int64)] = [
    (0, 0), (0, 2), (1, 0), (1, -1), (1, 1 << 53), (2, 2), (2, -1), (3, 2), (4, -1), (5, -1),
    (6, -1), (7, -1), (7, 7), (7, 3), (7, 6), (8, 1), (8, 6), (8, -1), (9, 1 << 53),
    (10, -1), (11, 1), (12, 1), (13, 1), (14, -1), (15, -1), (16, 2),
  ]

  @Test(
    "that are odd are failures, never a grant and never a refusal", arguments: oddNumbers.indices)
  func odd(index: Int) {
    let (place, number) = Self.oddNumbers[index]
    var numbers = Self.good
    numbers[place] = number
    #expect(throws: StoreFailure.notOurs) { try read(numbers) }
  }

  @Test("of another shape are failures")
  func otherShapes() {
    let good = Self.good.map { RESPValue.integer($0) }
    let values: [RESPValue] = [
      .null, .integer(1), .bool(true), .string(Array("OK".utf8)), .list([]),
      .list(Array(good.dropLast())), .list(good + [.integer(0)]), .map(good), .push(good),
      .list([.string([0x31])] + good.dropFirst()), .list([good[0], .null] + good.dropFirst(2)),
    ]
    for value in values {
      #expect(throws: StoreFailure.notOurs) {
        try StoreCodec.stateAnswer(value, to: Self.call)
      }
    }
    for place in Self.good.indices {
      var values = good
      values[place] = .string(Array(String(Self.good[place]).utf8))
      #expect(throws: StoreFailure.notOurs) {
        try StoreCodec.stateAnswer(.list(values), to: Self.call)
      }
    }
  }

  @Test(
    "that are a server's error keep its word",
    arguments: [
      "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF",
      "OOM",
      "BUSY", "NOAUTH", "WRONGPASS", "TOLLGATE", "ERR", "NEWWORD",
    ])
  func errors(word: String) {
    let error = RedisError(word: word)
    #expect(throws: StoreFailure.error(error)) {
      try StoreCodec.stateAnswer(.error(error), to: Self.call)
    }
    #expect(throws: StoreFailure.error(error)) { try StoreCodec.recalled(.error(error)) }
  }

  @Test("about who lives must be whole")
  func presence() throws {
    let holder = Holder(ledger: String(repeating: "a", count: 32), start: 3)
    let caller = StoreCaller(
      holder: holder, nonce: 1, runID: "r", alive: [], leaseMilliseconds: 10_000)
    func read(_ values: [RESPValue]) throws -> PresenceAnswer {
      try StoreCodec.presenceAnswer(.list(values), to: caller)
    }
    func numbers(_ values: [Int64]) -> [RESPValue] { values.map { .integer($0) } }
    let head = numbers([1, 0, 3, 1_000, 1, 500, 7, 7, 0, 2])
    func change(_ start: Int64, ledger: String) -> [RESPValue] {
      [
        .string(Array(ledger.utf8)), .integer(start), .integer(900), .string([0x72]), .string([]),
      ]
    }
    let own = change(3, ledger: holder.ledger)
    let other = change(0, ledger: String(repeating: "b", count: 32))
    guard case .alive(let changes) = try read(head + own + other) else {
      Issue.record("not alive")
      return
    }
    #expect(changes.isOld && !changes.isAnew && changes.count == 2)
    #expect(changes.told == .init(listMs: 500, version: 7) && changes.version == 7)
    #expect(changes.changes.last == .gone(ledger: String(repeating: "b", count: 32)))
    // Nothing has changed: that is an answer too.
    guard case .alive = try read(head) else {
      Issue.record("not alive")
      return
    }
    let fenced = numbers([1, 2, 3, 1_000])
    #expect(try read(fenced) == .fenced(start: 3))
    for odd in [
      head + own.dropLast(), Array(head.dropLast()), fenced + own, numbers([1, 2, 2, 1_000]),
      numbers([1, 3, 3, 1_000]),
      // Another start than was stated; told more than there is; nobody lives; more than can.
      numbers([1, 0, 4, 1_000, 1, 500, 7, 7, 0, 2]), numbers([1, 0, 3, 1_000, 1, 500, 7, 8, 0, 2]),
      numbers([1, 0, 3, 1_000, 1, 500, 7, 7, 0, 0]),
      numbers([1, 0, 3, 1_000, 1, 500, 7, 7, 0, 10_001]),
      head + change(3, ledger: "short"),
      head + (0...StoreLimit.toldMax).flatMap { _ in own },
    ] {
      #expect(throws: StoreFailure.notOurs) { try read(odd) }
    }
  }

  @Test("about a response id must be whole")
  func responses() throws {
    #expect(try StoreCodec.recalled(.null) == nil)
    for text in [
      "", "1 a", "x a b", "-1 a b", "1 a b c", "1  b", String(repeating: "1", count: 600),
    ] {
      #expect(throws: StoreFailure.notOurs) {
        try StoreCodec.recalled(.string(Array(text.utf8)))
      }
    }
    let bad = StoredResponse(tenant: "a b", route: "r", tokens: 1)
    #expect(StoreCodec.remember(bad, id: "1") == nil)
  }

  @Test("come from one place of a cluster: all keys of a call are in one slot")
  func slots() {
    let holder = Holder(ledger: String(repeating: "a", count: 32), start: 1)
    let caller = StoreCaller(
      holder: holder, nonce: 1, runID: "r", alive: [], leaseMilliseconds: 10_000)
    var slots: Set<Int> = []
    for partition in 0..<SharedKey.partitions {
      let statements = (0..<3).map {
        Statement(
          key: SharedKey(partition: partition, id: String(repeating: "\($0)", count: 32)),
          shape: .slots, amount: 1, number: 1, hold: 0, unspent: 0)
      }
      let call = StoreCodec.stateCall(
        StatementCall(partition: partition, statements: statements), by: caller)
      let found = Set(call.keys.map(HashSlot.of))
      #expect(found.count == 1 && call.keys.count == 5)
      slots.formUnion(found)
    }
    #expect(slots.count > SharedKey.partitions - 4)
  }
}
