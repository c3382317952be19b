import Foundation
import Testing

@testable import Server

struct LoopPartsTests {
  @Test func `a registration and its packed form are the same`() {
    for (descriptor, number) in [(0, 0), (7, 1), (Int32.max, UInt32.max)] as [(Int32, UInt32)] {
      let registration = Poller.Registration(descriptor: descriptor, number: number)
      #expect(Poller.Registration(packed: registration.packed) == registration)
    }
  }

  @Test func `the same descriptor registered again is another registration`() throws {
    var poller = try Poller()
    let event = try Kernel.createEvent()
    let first = try poller.add(event, .read)
    try poller.remove(first)
    let second = try poller.add(event, .read)
    #expect(first.descriptor == second.descriptor)
    #expect(first != second)
    Kernel.signal(event)
    #expect(poller.wait(timeout: .seconds(20)) == 1)
    #expect(poller.event(0).registration == second)
    #expect(poller.event(0).isReadable)
  }

  @Test(
    arguments: [
      (nil, -1), (Duration.zero, 0), (.milliseconds(5), 5), (.microseconds(1), 1),
      (.seconds(-5), 0), (.seconds(Int64.max), Int32.max), (.seconds(3_000_000), Int32.max),
    ] as [(Duration?, Int32)])
  func `a wait is rounded up to milliseconds`(duration: Duration?, milliseconds: Int32) {
    #expect(Poller.milliseconds(duration) == milliseconds)
  }

  private final class Owner {
    var seen: [Int] = []
  }

  @Test func `messages run in order, and one signal is enough for all of them`() throws {
    let mailbox = try Mailbox<Owner>()
    let owner = Owner()
    #expect(Kernel.pollReadable([mailbox.event], timeoutMilliseconds: 0) == [false])
    for index in 0..<3 { mailbox.post { $0.seen.append(index) } }
    #expect(Kernel.pollReadable([mailbox.event], timeoutMilliseconds: 0) == [true])
    mailbox.deliver(to: owner)
    #expect(owner.seen == [0, 1, 2])
    #expect(Kernel.pollReadable([mailbox.event], timeoutMilliseconds: 0) == [false])
    mailbox.deliver(to: owner)
    #expect(owner.seen == [0, 1, 2])
  }

  @Test func `no message is lost between threads that post and one that sleeps`() throws {
    let mailbox = try Mailbox<Owner>()
    let owner = Owner()
    let writers = 4
    let each = 2500
    for _ in 0..<writers {
      Thread { for index in 0..<each { mailbox.post { $0.seen.append(index) } } }.start()
    }
    while owner.seen.count < writers * each {
      let ready = Kernel.pollReadable([mailbox.event], timeoutMilliseconds: 20_000)
      try #require(ready == [true])
      mailbox.deliver(to: owner)
    }
    #expect(owner.seen.reduce(0, +) == writers * each * (each - 1) / 2)
  }

  @Test func `the count of connections stops at its limit`() {
    let count = ConnectionCount(limit: 2)
    #expect(count.admit())
    #expect(count.admit())
    #expect(!count.admit())
    #expect(count.value == 2)
    count.leave()
    #expect(count.admit())
  }
}
