import Shipping
import Testing

/// A target's machine, told what happened and asked what to do.
@Suite struct MachineTests {
  private func machine(forEver: Bool = false) -> TargetMachine {
    TargetMachine(
      timeout: .seconds(10), exportsMayTakeForEver: forEver,
      backoff: Backoff(first: .milliseconds(100), max: .seconds(1)))
  }

  /// Connected and exporting since 0 ms.
  private func exporting(forEver: Bool = false) -> TargetMachine {
    var machine = machine(forEver: forEver)
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .connect)
    machine.connected()
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .export)
    return machine
  }

  @Test func `Nothing is connected while there is nothing to ship`() {
    var machine = machine()
    #expect(machine.next(nowMs: 0, work: .none, random: 0) == .wait(untilMs: nil))
    let waiting = TargetMachine.Work.waiting(untilMs: 70)
    #expect(machine.next(nowMs: 0, work: waiting, random: 0) == .wait(untilMs: 70))
    #expect(machine.state == .idle)
    #expect(machine.next(nowMs: 70, work: .ready, random: 0) == .connect)
    #expect(machine.state == .connecting)
  }

  @Test func `A batch is exported, acknowledged, and the next one follows on the same connection`()
  {
    var machine = exporting()
    #expect(machine.state == .shipping)
    machine.answered(.done, nowMs: 5, random: 0)
    #expect(machine.state == .idle)
    #expect(machine.next(nowMs: 5, work: .ready, random: 0) == .export)
    #expect(machine.failureCount == 0)
  }

  @Test func `A retry waits for the back-off and keeps the connection`() {
    var machine = exporting()
    machine.answered(.again(afterMs: nil), nowMs: 0, random: 0)
    #expect(machine.state == .backingOff)
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .wait(untilMs: 100))
    #expect(machine.next(nowMs: 99, work: .ready, random: 0) == .wait(untilMs: 100))
    #expect(machine.next(nowMs: 100, work: .ready, random: 0) == .export)
    #expect(machine.failureCount == 1)
  }

  @Test func `A receiver's delay is kept to, up to its bound, and never shortens the back-off`() {
    for (asked, expected) in [
      (5_000, 5_000), (10, 100), (300_000, 300_000), (300_001, 300_000), (Int64.max, 300_000),
    ] as [(Int64, Int64)] {
      var machine = exporting()
      machine.answered(.again(afterMs: asked), nowMs: 0, random: 0)
      #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .wait(untilMs: expected))
    }
  }

  @Test func `An export without an answer in time is given up with its connection`() {
    var machine = exporting()
    #expect(machine.next(nowMs: 9_999, work: .ready, random: 0) == .wait(untilMs: 10_000))
    #expect(machine.next(nowMs: 10_000, work: .ready, random: 0) == .disconnect)
    #expect(machine.next(nowMs: 10_000, work: .ready, random: 0) == .wait(untilMs: 10_100))
    #expect(machine.next(nowMs: 10_100, work: .ready, random: 0) == .connect)
  }

  @Test func `Progress gives an export its time again`() {
    var machine = exporting()
    machine.progressed(nowMs: 9_000)
    #expect(machine.next(nowMs: 18_999, work: .ready, random: 0) == .wait(untilMs: 19_000))
    #expect(machine.next(nowMs: 19_000, work: .ready, random: 0) == .disconnect)
  }

  @Test func `A full pipe is waited for as long as it takes`() {
    var machine = exporting(forEver: true)
    #expect(machine.next(nowMs: 1 << 40, work: .ready, random: 0) == .wait(untilMs: nil))
    #expect(machine.state == .shipping)
  }

  @Test func `A connection that does not come about is given up`() {
    var machine = machine()
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .connect)
    #expect(machine.next(nowMs: 9_999, work: .ready, random: 0) == .wait(untilMs: 10_000))
    #expect(machine.next(nowMs: 10_000, work: .ready, random: 0) == .disconnect)
    #expect(machine.state == .backingOff)
  }

  @Test func `Connecting has its time from when the name is resolved`() {
    var machine = machine()
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .connect)
    machine.resolved(nowMs: 25_000)
    #expect(machine.next(nowMs: 25_000, work: .ready, random: 0) == .wait(untilMs: 35_000))
    #expect(machine.next(nowMs: 35_000, work: .ready, random: 0) == .disconnect)
    // Too late: nothing is being connected.
    machine.resolved(nowMs: 36_000)
    #expect(machine.state == .backingOff)
  }

  @Test func `A connection that proved good may end between exports without a back-off`() {
    var machine = exporting()
    machine.answered(.done, nowMs: 1, random: 0)
    #expect(machine.connectionLost(nowMs: 2, random: 0) == false)
    #expect(machine.next(nowMs: 2, work: .ready, random: 0) == .connect)
  }

  @Test
  func `One that ends before any answer is a failure, so that it is tried again only after a wait`()
  {
    var machine = machine()
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .connect)
    machine.connected()
    #expect(machine.connectionLost(nowMs: 0, random: 0) == true)
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .wait(untilMs: 100))
  }

  @Test func `One that ends in an export has the batch shipped again`() {
    var machine = exporting()
    #expect(machine.connectionLost(nowMs: 7, random: 0) == true)
    #expect(machine.next(nowMs: 7, work: .ready, random: 0) == .wait(untilMs: 107))
    #expect(machine.next(nowMs: 107, work: .ready, random: 0) == .connect)
    // An answer that comes too late means nothing.
    machine.answered(.done, nowMs: 108, random: 0)
    #expect(machine.state == .connecting && !machine.isExporting)
  }

  @Test func `One that ends during a back-off is made again behind it`() {
    var machine = exporting()
    machine.answered(.again(afterMs: nil), nowMs: 0, random: 0)
    #expect(machine.connectionLost(nowMs: 50, random: 0) == false)
    #expect(machine.next(nowMs: 100, work: .ready, random: 0) == .connect)
  }

  @Test func `The waits grow, and success begins anew`() {
    var machine = exporting()
    var now: Int64 = 0
    for expected in [100, 200, 400, 800, 1000, 1000] as [Int64] {
      machine.answered(.again(afterMs: nil), nowMs: now, random: 0)
      #expect(machine.next(nowMs: now, work: .ready, random: 0) == .wait(untilMs: now + expected))
      now += expected
      #expect(machine.next(nowMs: now, work: .ready, random: 0) == .export)
    }
    machine.answered(.done, nowMs: now, random: 0)
    #expect(machine.next(nowMs: now, work: .ready, random: 0) == .export)
    machine.answered(.again(afterMs: nil), nowMs: now, random: 0)
    #expect(machine.next(nowMs: now, work: .ready, random: 0) == .wait(untilMs: now + 100))
  }

  @Test func `At the end what waits to be more is shipped at once`() {
    var machine = machine()
    machine.stopRequested(byMs: 5_000)
    let waiting = TargetMachine.Work.waiting(untilMs: 900)
    #expect(machine.next(nowMs: 0, work: waiting, random: 0) == .connect)
    machine.connected()
    #expect(machine.next(nowMs: 0, work: waiting, random: 0) == .export)
    #expect(machine.next(nowMs: 1, work: waiting, random: 0) == .wait(untilMs: 5_000))
    machine.answered(.done, nowMs: 1, random: 0)
    #expect(machine.next(nowMs: 1, work: .none, random: 0) == .end)
  }

  @Test func `At the end a back-off is cut short for one attempt, and no more`() {
    var machine = exporting()
    machine.answered(.again(afterMs: 60_000), nowMs: 0, random: 0)
    machine.stopRequested(byMs: 5_000)
    #expect(machine.next(nowMs: 1, work: .ready, random: 0) == .export)
    machine.answered(.again(afterMs: 60_000), nowMs: 2, random: 0)
    #expect(machine.next(nowMs: 2, work: .ready, random: 0) == .end)
    #expect(machine.next(nowMs: 3, work: .ready, random: 0) == .end)
  }

  @Test func `By hand it ends when all is shipped, without waiting for more`() {
    var machine = TargetMachine(timeout: .seconds(10), failuresMax: 2)
    #expect(machine.next(nowMs: 0, work: .waiting(untilMs: 900), random: 0) == .connect)
    machine.connected()
    #expect(machine.next(nowMs: 0, work: .waiting(untilMs: 900), random: 0) == .export)
    machine.answered(.done, nowMs: 1, random: 0)
    #expect(machine.next(nowMs: 1, work: .none, random: 0) == .end)
  }

  @Test func `By hand it gives up after so many failures in a row`() {
    var machine = TargetMachine(
      timeout: .seconds(10), failuresMax: 2,
      backoff: Backoff(first: .milliseconds(100), max: .seconds(1)))
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .connect)
    machine.connected()
    #expect(machine.next(nowMs: 0, work: .ready, random: 0) == .export)
    machine.answered(.again(afterMs: nil), nowMs: 0, random: 0)
    #expect(machine.next(nowMs: 100, work: .ready, random: 0) == .export)
    // What was taken meanwhile begins the count anew.
    machine.answered(.done, nowMs: 100, random: 0)
    #expect(machine.next(nowMs: 100, work: .ready, random: 0) == .export)
    machine.answered(.again(afterMs: nil), nowMs: 100, random: 0)
    #expect(machine.next(nowMs: 200, work: .ready, random: 0) == .export)
    machine.answered(.again(afterMs: nil), nowMs: 200, random: 0)
    #expect(machine.next(nowMs: 200, work: .ready, random: 0) == .end)
  }

  @Test func `The end comes by its time, whatever is under way`() {
    var machine = exporting()
    machine.stopRequested(byMs: 5_000)
    #expect(machine.next(nowMs: 4_999, work: .ready, random: 0) == .wait(untilMs: 5_000))
    #expect(machine.next(nowMs: 5_000, work: .ready, random: 0) == .end)
  }
}

@Suite struct BackoffTests {
  @Test(arguments: [0, 1, 12_345, UInt64.max]) func `Every wait is between half and the whole`(
    random: UInt64
  ) {
    var backoff = Backoff()
    var whole = 250
    for _ in 0..<100 {
      let wait = Int(backoff.next(random: random))
      #expect((whole / 2...whole).contains(wait))
      whole = min(30_000, whole * 2)
    }
    backoff.reset()
    let first = backoff.next(random: random)
    #expect((125...250).contains(first))
  }

  @Test func `Random waits reach both bounds`() {
    var least = Int64.max
    var most = Int64.min
    for random in 0..<500 as Range<UInt64> {
      var backoff = Backoff()
      let wait = backoff.next(random: random)
      least = min(least, wait)
      most = max(most, wait)
    }
    #expect(least == 125 && most == 250)
  }
}
