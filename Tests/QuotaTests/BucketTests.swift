import Testing

@testable import Quota

struct BucketTests {
  @Test func `refills exactly, however often it is looked at`() {
    var once = Bucket(amount: 7, capacity: 100, periodMilliseconds: 60_000, now: 0)
    once.take(100)
    var often = once
    once.advance(to: 59_999)
    for time in stride(from: Int64(0), through: 59_999, by: 7) { often.advance(to: time) }
    often.advance(to: 59_999)
    #expect(once == often)
    #expect(once.level == 6)
    #expect(once.fraction == 7 * 59_999 - 6 * 60_000)
    once.advance(to: 60_000)
    #expect(once.level == 7)
    #expect(once.fraction == 0)
  }

  @Test(arguments: [(7, 60_000, 1), (600, 60_000, 3), (1_000_000, 1_000, 999_999), (3, 1_000, 2)])
  func `waits to the millisecond`(amount: Int64, period: Int64, need: Int64) {
    var bucket = Bucket(amount: amount, capacity: amount, periodMilliseconds: period, now: 5)
    bucket.take(amount)
    let wait = bucket.wait(for: need)
    var early = bucket
    early.advance(to: 5 + wait - 1)
    #expect(early.wait(for: need) == 1)
    bucket.advance(to: 5 + wait)
    #expect(bucket.wait(for: need) == 0)
  }

  /// Amounts a period of 1,000 ms, and the wait for 1 unit of an empty bucket: 1,000 / amount, rounded
  /// up. A wait that is rounded down would tell clients to come back too early.
  @Test(arguments: [(1, 1_000), (3, 334), (7, 143), (999, 2), (1_000, 1), (1_001, 1)])
  func `a wait is rounded up to a whole millisecond`(amount: Int64, wait: Int64) {
    var bucket = Bucket(amount: amount, capacity: amount, periodMilliseconds: 1_000, now: 0)
    #expect(bucket.wait(for: amount) == 0)
    bucket.take(amount)
    #expect(bucket.wait(for: 1) == wait)
    #expect(bucket.millisecondsUntilFull == 1_000)
  }

  @Test func `goes into debt and pays it back`() {
    var bucket = Bucket(amount: 60, capacity: 60, periodMilliseconds: 60_000, now: 0)
    bucket.take(90)
    #expect(bucket.level == -30)
    #expect(bucket.wait(for: 1) == 31_000)
    bucket.advance(to: 500)
    #expect(bucket.level == -30)
    #expect(bucket.fraction == 30_000)
    bucket.advance(to: 31_000)
    #expect(bucket.level == 1)
  }

  @Test func `a refund stops at the capacity and time never runs backwards`() {
    var bucket = Bucket(amount: 60, capacity: 10, periodMilliseconds: 60_000, now: 1_000)
    bucket.take(5)
    bucket.take(-7)
    #expect(bucket.isFull)
    #expect(bucket.level == 10)
    bucket.take(10)
    bucket.advance(to: 0)
    #expect(bucket.level == 0)
    #expect(bucket.time == 1_000)
  }

  @Test func `holds a billion dollars an hour, and the deepest debt`() {
    let billion: Int64 = 1_000_000_000_000_000_000
    var bucket = Bucket(
      amount: billion, capacity: billion, periodMilliseconds: 3_600_000, now: 0)
    bucket.take(billion)
    #expect(bucket.wait(for: billion) == 3_600_000)
    bucket.take(.max)
    bucket.take(.max)
    #expect(bucket.level == -Bucket.debtMax)
    bucket.advance(to: .max)
    #expect(bucket.isFull)
  }

  @Test func `new amounts keep what was taken`() {
    var bucket = Bucket(amount: 100, capacity: 100, periodMilliseconds: 60_000, now: 0)
    bucket.take(80)
    bucket.adopt(amount: 50, capacity: 50, now: 0)
    #expect(bucket.level == -30)
    bucket.adopt(amount: 200, capacity: 200, now: 0)
    #expect(bucket.level == 120)
  }
}
