import Bytes
import Testing

@testable import Server

/// When memory is given back to the system.
struct FreedMemoryTests {
  private static let mebibyte = 1 << 20

  private func at(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: Int64(seconds * 1e9))
  }

  @Test func `after a peak, once`() {
    var state = TrimState()
    for (used, second, isDue) in [
      (10, 0, false), (100, 1, false), (51, 2, false), (50, 3, true), (50, 4, false),
      (10, 20, true), (10, 30, false),
    ] as [(Int, Double, Bool)] {
      #expect(
        state.isDue(usedBytes: used * Self.mebibyte, peakBytes: 0, now: at(second)) == isDue,
        "\(used) MiB")
    }
  }

  @Test func `not for little, and not often`() {
    var state = TrimState()
    let least = TrimState.fallBytesMin
    #expect(state.isDue(usedBytes: 0, peakBytes: least - 1, now: at(0)) == false)
    #expect(state.isDue(usedBytes: 1, peakBytes: least, now: at(1)) == false)
    #expect(state.isDue(usedBytes: 0, peakBytes: 0, now: at(2)) == true)
    // A peak each second: still one each interval.
    var count = 0
    for second in 3..<33 {
      if state.isDue(usedBytes: 0, peakBytes: 1 << 30, now: at(Double(second))) { count += 1 }
    }
    #expect(count == 6)
  }

  @Test func `a while after a reload, once`() {
    var state = TrimState()
    state.ask(now: at(10))
    state.ask(now: at(12))
    #expect(state.isDue(usedBytes: 0, peakBytes: 0, now: at(14.9)) == false)
    #expect(state.isDue(usedBytes: 0, peakBytes: 0, now: at(15)) == true)
    #expect(state.isDue(usedBytes: 0, peakBytes: 0, now: at(60)) == false)
  }

  @Test func `the call is there`() { Kernel.returnFreedMemory() }
}
