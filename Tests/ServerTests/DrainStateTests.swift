import Testing

@testable import Server

struct DrainStateTests {
  @Test func `health first, then the listeners, then every worker, then the end`() {
    var drain = DrainState(workers: 2)
    #expect(drain.stopRequested() == .tellHealth)
    #expect(drain.workerNotified() == .none)
    #expect(drain.workerNotified() == .closeListenersAndDrain)
    #expect(drain.workerEmptied() == .none)
    #expect(drain.exitStatus == 1)
    #expect(drain.workerEmptied() == .stop)
    #expect(drain.exitStatus == 0)
  }

  @Test func `a second request ends at once, at every stage`() {
    for stage in 0..<4 {
      var drain = DrainState(workers: 1)
      _ = drain.stopRequested()
      if stage > 0 { _ = drain.workerNotified() }
      if stage > 1 { _ = drain.workerEmptied() }
      if stage > 2 { _ = drain.timedOut() }
      #expect(drain.stopRequested() == .exitAtOnce)
    }
  }

  @Test func `time runs out while telling or finishing, and means failure`() {
    for notified in [false, true] {
      var drain = DrainState(workers: 1)
      #expect(drain.timedOut() == .none)
      _ = drain.stopRequested()
      if notified { _ = drain.workerNotified() }
      #expect(drain.timedOut() == .stop)
      #expect(drain.exitStatus == 1)
      #expect(drain.workerNotified() == .none)
      #expect(drain.workerEmptied() == .none)
      #expect(drain.timedOut() == .none)
    }
  }
}

struct UnsentOutputTests {
  @Test func `what was not sent stays in order`() {
    var unsent = UnsentOutput()
    #expect(unsent.isEmpty)
    unsent.keep([1, 2, 3, 4], from: 1)
    #expect(unsent.count == 3)
    unsent.sent(1)
    unsent.gather { $0.append(5) }
    #expect(Array(unsent.bytes[unsent.start...]) == [3, 4, 5])
    unsent.sent(3)
    #expect(unsent.isEmpty)
    #expect(unsent.bytes == [])
  }
}
