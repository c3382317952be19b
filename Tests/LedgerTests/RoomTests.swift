import Bytes
import Testing

@testable import Ledger

/// How large a ledger may grow, how fast it does, and how long that can go on.
struct RoomTests {
  private static let hourMs: Int64 = 3_600_000
  private static let startMs: Int64 = 1_790_000_000_000

  /// Segments of so many bytes each, which began so many hours after the first one; each has 100 records.
  private static func store(_ segments: [(hours: Int64, bytes: Int)]) throws -> SegmentStore {
    let files = MemoryFiles()
    for (index, segment) in segments.enumerated() {
      let time = UTCTime.string(startMs + segment.hours * hourMs)
      let seq = 100 * index + 1
      let head = "{\"type\":\"checkpoint\",\"seq\":\(seq),\"timestamp\":\"\(time)\""
      let file = try files.create(Segment(firstSeq: Int64(seq)).name)
      try file.append(
        Array(head.utf8) + [UInt8](repeating: 0x20, count: segment.bytes - head.utf8.count))
    }
    return try SegmentStore(files)
  }

  private static func hours(
    _ store: SegmentStore, room: Int64, rate: Int64 = 1_000, from: Int64 = .max, mayGo: Int64 = 0,
    retain: Int64 = 720, now: Int64
  ) -> Double? {
    store.hoursLeft(
      room: room, bytesPerHour: rate, keep: SegmentsKept(fromSeq: from, atBoundFromSeq: mayGo),
      mayGoFromSeq: mayGo, retainMs: retain * hourMs, nowMs: startMs + now * hourMs)
  }

  @Test func `without receivers, the room lasts as long as the rate says`() throws {
    let store = try Self.store([(0, 1_000), (1, 1_000), (2, 500)])
    #expect(Self.hours(store, room: 48_000, now: 2) == 48)
    #expect(Self.hours(store, room: -1, now: 2) == 0)
    #expect(Self.hours(store, room: 48_000, rate: 0, now: 2) == nil)
  }

  @Test func `what gets too old meanwhile makes room, and a short retention never ends`() throws {
    let store = try Self.store([(0, 5_000), (1, 1_000), (2, 500)])
    // In 9 hours the first segment's last record is 10 hours old.
    #expect(Self.hours(store, room: 9_500, retain: 10, now: 1 + 0) == 9.5)
    #expect(Self.hours(store, room: 10_500, retain: 10, now: 2) == nil)
    #expect(Self.hours(store, room: 8_000, retain: 10, now: 2) == 8)
    #expect(Self.hours(store, room: 20_000, retain: 100, now: 2) == 20)
  }

  @Test func `a receiver that keeps up lets it go on for ever, and one that stopped does not`()
    throws
  {
    let store = try Self.store([(0, 1_000), (1, 1_000), (2, 1_000), (3, 1_000), (4, 500)])
    #expect(Self.hours(store, room: 100, from: 401, mayGo: 401, now: 4) == nil)
    #expect(Self.hours(store, room: 100, from: 301, mayGo: 301, now: 4) == nil)
    // It has the first two segments; those behind stay.
    #expect(Self.hours(store, room: 10_000, from: 201, mayGo: 201, retain: 1, now: 4) == 12)
    // It is standard output alone, which keeps nothing: what it has goes by age only.
    #expect(Self.hours(store, room: 10_000, from: 401, mayGo: 0, now: 4) == 10)
    // Somebody may lose records, or the ledger recycles.
    #expect(Self.hours(store, room: 100, from: 1, mayGo: .max, now: 4) == nil)
  }

  @Test func `the last hour's rate is that of the segments that cover it`() throws {
    let sparse = try Self.store([(0, 24_000), (24, 600)])
    #expect(sparse.bytesPerHour(upTo: Self.startMs + 24 * Self.hourMs) == 1_025)
    let dense = try Self.store([(0, 24_000), (5, 600), (6, 400), (7, 100)])
    #expect(dense.bytesPerHour(upTo: Self.startMs + 7 * Self.hourMs) == 500)
    #expect(try Self.store([]).bytesPerHour(upTo: Self.startMs) == nil)
    #expect(try Self.store([(0, 500)]).bytesPerHour(upTo: Self.startMs + 59_000) == nil)
    #expect(try Self.store([(0, 500)]).bytesPerHour(upTo: 0) == nil)
  }

  @Test func `the rate counts whole minutes of the last hour`() {
    var rate = WriteRate(before: nil)
    rate.wrote(500, minute: 0)
    #expect(rate.bytesPerHour(minute: 0) == nil)
    #expect(rate.bytesPerHour(minute: 1) == 30_000)
    for minute in 1..<60 { rate.wrote(100, minute: minute) }
    #expect(rate.bytesPerHour(minute: 60) == 6_400)
    #expect(rate.bytesPerHour(minute: 61) == 5_900)
    #expect(rate.bytesPerHour(minute: 500) == 0)
  }

  @Test func `at a start the hour before counts until there is a whole one`() {
    var rate = WriteRate(before: 6_000)
    #expect(rate.bytesPerHour(minute: 0) == 6_000)
    rate.wrote(700, minute: 0)
    #expect(rate.bytesPerHour(minute: 1) == 6_600)
    #expect(rate.bytesPerHour(minute: 60) == 700)
    #expect(rate.bytesPerHour(minute: 61) == 0)
  }

  @Test func `a bound that follows the disk is a share of what is free and what the ledger has`() {
    var settings = LedgerSettings()
    #expect(settings.bounded(usedBytes: 5, freeBytes: 5 << 30).ledgerBytesMax == nil)
    settings.ledgerPercentMax = 80
    #expect(settings.bounded(usedBytes: 3 << 30, freeBytes: 7 << 30).ledgerBytesMax == 8 << 30)
    #expect(settings.bounded(usedBytes: 8 << 30, freeBytes: 2 << 30).ledgerBytesMax == 8 << 30)
    #expect(settings.bounded(usedBytes: 0, freeBytes: 0).ledgerBytesMax == 1 << 20)
    #expect(settings.bounded(usedBytes: .max, freeBytes: .max).ledgerBytesMax == .max)
    #expect(settings.bounded(usedBytes: 0, freeBytes: nil).ledgerBytesMax == nil)
  }
}
