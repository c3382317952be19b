import Ledger
import Shipping
import Testing

@Suite struct BatchTests {
  private func bounds(records: Int = 512, bytes: Int = 1 << 20) -> BatchBounds {
    var bounds = BatchBounds()
    bounds.recordsMax = records
    bounds.bytesMax = bytes
    bounds.ageMax = .milliseconds(500)
    return bounds
  }

  @Test func `It is full with its last record`() {
    var batch = ShipBatch(bounds(records: 3))
    for seq in 1...3 {
      #expect(!batch.isFull)
      batch.add(line(Int64(seq)), nowMs: 0)
    }
    #expect(batch.isFull && batch.lines.count == 3 && batch.lastSeq == 3)
    #expect(batch.work(nowMs: 0) == .ready)
  }

  @Test func `Bytes end it at the bound, and one over begins the next`() {
    let each = line(1, bytes: 499).bytes.count + 1
    for (max, count) in [(3 * each, 3), (3 * each - 1, 2), (3 * each + 1, 3)] {
      var batch = ShipBatch(bounds(bytes: max))
      var seq: Int64 = 0
      while !batch.isFull {
        seq += 1
        batch.add(line(seq, bytes: 499), nowMs: 0)
      }
      #expect(batch.lines.count == count, "of \(max) bytes")
      #expect(batch.byteCount <= max)
      batch.next(nowMs: 9)
      #expect(batch.lines.first?.head.seq ?? seq + 1 == Int64(count) + 1)
    }
  }

  @Test func `A record longer than the bound is a batch of its own`() {
    var batch = ShipBatch(bounds(bytes: 1000))
    batch.add(line(1, bytes: 300), nowMs: 0)
    batch.add(line(2, bytes: 5000), nowMs: 0)
    #expect(batch.lines.map(\.head.seq) == [1] && batch.isFull)
    batch.next(nowMs: 0)
    #expect(batch.lines.map(\.head.seq) == [2] && batch.isFull)
    batch.next(nowMs: 0)
    #expect(batch.isEmpty && !batch.isFull)
  }

  @Test func `A batch that is too large is halved, nothing is lost, and no later one is larger`() {
    var batch = ShipBatch(bounds(bytes: 1 << 20))
    for seq in 1...20 as ClosedRange<Int64> { batch.add(line(seq, bytes: 49_999), nowMs: 0) }
    #expect(batch.shrink(nowMs: 0) == 500_000)
    #expect(batch.lines.map(\.head.seq) == Array(1...10) && batch.isFull)
    #expect(batch.work(nowMs: 0) == .ready)
    #expect(batch.shrink(nowMs: 0) == 250_000)
    var shipped: [Int64] = []
    while !batch.isEmpty {
      #expect(batch.byteCount <= 250_000)
      shipped += batch.lines.map(\.head.seq)
      batch.next(nowMs: 0)
    }
    #expect(shipped == Array(1...20))
    for seq in 21...30 as ClosedRange<Int64> where !batch.isFull {
      batch.add(line(seq, bytes: 49_999), nowMs: 0)
    }
    #expect(batch.lines.count == 5)
  }

  @Test func `A batch is not made smaller than what cannot be too large`() {
    let half = ShippingLimits.shrunkBytesMin / 2
    var batch = ShipBatch(bounds())
    for seq in 1...2 as ClosedRange<Int64> {
      batch.add(line(seq, bytes: seq == 1 ? half - 1 : half), nowMs: 0)
    }
    #expect(batch.shrink(nowMs: 0) == ShippingLimits.shrunkBytesMin)
    #expect(batch.lines.count == 1)
  }

  @Test(arguments: [2, 3, 7, 512]) func `Halving leads to one record, and loses none`(count: Int) {
    var batch = ShipBatch(bounds())
    for seq in 1...Int64(count) { batch.add(line(seq), nowMs: 0) }
    var shipped: [Int64] = []
    while batch.lines.count > 1 {
      batch.halve()
      #expect(batch.isFull && batch.work(nowMs: 0) == .ready)
      #expect(batch.byteCount == batch.lines.reduce(0) { $0 + $1.bytes.count + 1 })
    }
    #expect(batch.lines.map(\.head.seq) == [1])
    while !batch.isEmpty {
      shipped += batch.lines.map(\.head.seq)
      batch.next(nowMs: 0)
      if batch.lines.count > 2 { batch.halve() }
    }
    #expect(shipped == Array(1...Int64(count)))
    // Later batches are as large as ever.
    for seq in 1...20 as ClosedRange<Int64> { batch.add(line(seq), nowMs: 0) }
    #expect(!batch.isFull)
  }

  @Test func `Its first record's age makes it due`() {
    var batch = ShipBatch(bounds())
    #expect(batch.work(nowMs: 0) == .none)
    batch.add(line(1), nowMs: 100)
    batch.add(line(2), nowMs: 550)
    #expect(batch.work(nowMs: 599) == .waiting(untilMs: 600))
    #expect(batch.work(nowMs: 600) == .ready)
    batch.next(nowMs: 700)
    #expect(batch.work(nowMs: 700) == .none)
  }
}
