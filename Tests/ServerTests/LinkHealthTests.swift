import Bytes
import Redis
import Testing

@testable import Server

/// When a server of the store counts as lost, and when it is tried again.
@Suite struct LinkHealthTests {
  private let silence = RedisLimits.silenceMax.wholeMilliseconds

  @Test func `One that was of use and is gone is lost when the second attempt failed, too`() {
    var health = LinkHealth()
    health.connected()
    do {
      let wait = health.disconnected(wasReady: true, random: 0)
      #expect(wait == 0)
    }
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 0))
    do {
      let wait = health.disconnected(wasReady: false, random: 0)
      #expect(wait > 0)
    }
    #expect(health.isLost(silentSinceMs: nil, nowMs: 0))
    health.connected()
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 0))
  }

  @Test func `The waits grow to their bound, and begin anew after a connection`() {
    var health = LinkHealth()
    let waits = (0..<8).map { _ in health.disconnected(wasReady: false, random: 0) }
    #expect(waits == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
    health.connected()
    do {
      let wait = health.disconnected(wasReady: false, random: 0)
      #expect(wait == 50)
    }
    do {
      let wait = health.disconnected(wasReady: false, random: 7)
      #expect(wait < 100)
    }
  }

  @Test func `One that owes an answer for so long is lost, and not a moment earlier`() {
    var health = LinkHealth()
    health.connected()
    #expect(!health.isLost(silentSinceMs: 100, nowMs: 99 + silence))
    #expect(health.isLost(silentSinceMs: 100, nowMs: 100 + silence))
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 100 + silence))
  }

  @Test func `Where each connection is given up for an answer, they are not made ever faster`() {
    var health = LinkHealth()
    health.connected()
    // As where a server answers READONLY to every call.
    var waits: [Int64] = []
    for _ in 0..<4 {
      health.doubted()
      waits.append(health.disconnected(wasReady: true, random: 0))
      health.connected()
    }
    #expect(waits == [50, 100, 200, 400])
    // It is on trial: asked once more, and lost again at once.
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 0))
    health.doubted()
    _ = health.disconnected(wasReady: true, random: 0)
    #expect(health.isLost(silentSinceMs: nil, nowMs: 0))
    health.connected()
    health.served()
    do {
      let wait = health.disconnected(wasReady: true, random: 0)
      #expect(wait == 0)
    }
  }

  @Test func `One that answers only errors is lost after a while, and tried now and then`() {
    var health = LinkHealth()
    health.connected()
    health.refused(nowMs: 1_000, random: 0)
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 999 + silence))
    #expect(health.isLost(silentSinceMs: nil, nowMs: 1_000 + silence))
    // That replicas say they live proves nothing of statements.
    health.served()
    #expect(health.isLost(silentSinceMs: nil, nowMs: 1_000 + silence))
    health.tryAgain(nowMs: 1_000 + silence)
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 1_000 + silence))
    health.refused(nowMs: 2_100, random: 0)
    #expect(health.isLost(silentSinceMs: nil, nowMs: 2_100))
    // The next try waits longer than the one before.
    #expect(health.nextTryMs == 2_200)
    health.tryAgain(nowMs: 2_199)
    #expect(health.isLost(silentSinceMs: nil, nowMs: 2_199))
    health.tryAgain(nowMs: 2_200)
    health.stated()
    #expect(!health.isLost(silentSinceMs: nil, nowMs: 9_999) && health.nextTryMs == nil)
  }

  @Test func `Errors that were answered at the same time are one attempt`() {
    var health = LinkHealth()
    health.connected()
    for _ in 0..<50 { health.refused(nowMs: 1_000, random: 0) }
    #expect(health.nextTryMs == 1_050)
  }

  @Test func `An error between good answers loses nothing`() {
    var health = LinkHealth()
    health.connected()
    for nowMs in stride(from: Int64(0), to: 5_000, by: 500) {
      health.refused(nowMs: nowMs, random: 0)
      #expect(!health.isLost(silentSinceMs: nil, nowMs: nowMs + 499))
      health.stated()
    }
  }
}
