import CLinux

/// The event loop: one thread and one epoll for all connections of all backends.
final class SimulatorLoop {
  /// How long exchanges may go on after SIGTERM.
  static let drainNanoseconds: UInt64 = 2_000_000_000

  /// One connection and what the loop waits for on its behalf.
  private struct Slot {
    let connection: Connection
    /// Its generation (upper half) and its descriptor, as epoll returns them.
    let key: UInt64
    var events: UInt32
    /// The deadline that counts; other entries of `timers` for this connection are outdated.
    var timer: UInt64?
  }

  private static let signalKey = UInt64.max
  private let poll = Kernel.makePoll()
  private let signals = Kernel.terminationSignals()
  private var listeners: [Int32: Backend] = [:]
  private var slots: [Int32: Slot] = [:]
  private var timers = Timers()
  /// Numbers the connections. The kernel reuses descriptors, so an event may be about an earlier
  /// one.
  private var generation: UInt64 = 1
  private var drainUntil: UInt64?
  private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

  init() {
    Kernel.watch(
      poll, signals, key: SimulatorLoop.signalKey, events: EPOLLIN.rawValue, isNew: true)
  }

  /// Takes connections to a listening socket for a backend. A listener's key has generation 0.
  func add(listener: Int32, _ backend: Backend) {
    listeners[listener] = backend
    Kernel.watch(poll, listener, key: UInt64(listener), events: EPOLLIN.rawValue, isNew: true)
  }

  /// Serves until a signal comes, then until the last exchange ends, at most `drainNanoseconds`
  /// longer. A second signal ends it at once.
  func run() {
    var ready: [(key: UInt64, events: UInt32)] = []
    while true {
      Kernel.wait(poll, into: &ready, milliseconds: timeout())
      for (key, events) in ready { handle(key, events) }
      let now = Kernel.nanoseconds()
      while let due = timers.popDue(now) { handleTimer(due.key, due.at, now) }
      if let drainUntil, slots.isEmpty || now >= drainUntil { return }
    }
  }

  private func timeout() -> Int32 {
    let next = [timers.next, drainUntil].compactMap { $0 }.min()
    guard let next else { return -1 }
    let now = Kernel.nanoseconds()
    return next <= now ? 0 : Int32(min((next - now + 999_999) / 1_000_000, 60_000))
  }

  private func handle(_ key: UInt64, _ events: UInt32) {
    if key == SimulatorLoop.signalKey { return beginDrain() }
    let descriptor = Int32(truncatingIfNeeded: key & 0xffff_ffff)
    if key >> 32 == 0 { return acceptAll(descriptor) }
    // Another generation is another connection: the event is about one that is closed.
    guard let slot = slots[descriptor], slot.key == key else { return }
    let hangUp = EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue
    if events & EPOLLIN.rawValue != 0, slot.connection.wantsInput {
      switch Kernel.receive(descriptor, into: &buffer) {
      case .bytes(let count): slot.connection.received(buffer[..<count])
      case .wouldBlock: break
      case .ended: slot.connection.receivedEnd()
      }
    } else if events & hangUp != 0 {
      slot.connection.receivedEnd()
    }
    pump(descriptor, slot, now: Kernel.nanoseconds())
  }

  private func handleTimer(_ key: UInt64, _ at: UInt64, _ now: UInt64) {
    let descriptor = Int32(truncatingIfNeeded: key & 0xffff_ffff)
    guard var slot = slots[descriptor], slot.key == key, slot.timer == at else { return }
    slot.timer = nil
    pump(descriptor, slot, now: now)
  }

  private func acceptAll(_ listener: Int32) {
    guard let backend = listeners[listener] else { return }
    while let descriptor = Kernel.accept(listener) {
      generation = generation % 0xffff_fffe + 1
      let key = generation << 32 | UInt64(descriptor)
      let events = EPOLLIN.rawValue | EPOLLRDHUP.rawValue
      let connection = Connection(backend: backend)
      slots[descriptor] = Slot(connection: connection, key: key, events: events, timer: nil)
      Kernel.watch(poll, descriptor, key: key, events: events, isNew: true)
    }
  }

  /// Advances a connection, sends what it has, and notes what it waits for next.
  private func pump(_ descriptor: Int32, _ slot: Slot, now: UInt64) {
    var slot = slot
    let connection = slot.connection
    var isBlocked = false
    repeat {
      connection.advance(now: now)
      while connection.hasOutput, !isBlocked {
        switch Kernel.send(descriptor, connection.output, from: connection.outputSent) {
        case .bytes(let count): connection.didSend(count)
        case .wouldBlock: isBlocked = true
        case .ended: return end(descriptor, reset: false)
        }
      }
      // A stream without `x-sim-rate` makes its next events as soon as these are sent.
    } while !isBlocked && connection.hasMore(now: now)
    if let ending = connection.ending, ending == .reset || !connection.hasOutput {
      return end(descriptor, reset: ending == .reset)
    }
    var events = EPOLLRDHUP.rawValue
    if connection.wantsInput { events |= EPOLLIN.rawValue }
    if connection.hasOutput { events |= EPOLLOUT.rawValue }
    if events != slot.events {
      slot.events = events
      Kernel.watch(poll, descriptor, key: slot.key, events: events, isNew: false)
    }
    let deadline = isBlocked ? nil : connection.deadline
    if let deadline, deadline != slot.timer { timers.add(at: deadline, key: slot.key) }
    slot.timer = deadline
    slots[descriptor] = slot
  }

  private func end(_ descriptor: Int32, reset: Bool) {
    if let slot = slots.removeValue(forKey: descriptor) { slot.connection.receivedEnd() }
    Kernel.close(descriptor, reset: reset)
  }

  private func beginDrain() {
    Kernel.takeSignal(signals)
    let now = Kernel.nanoseconds()
    drainUntil = drainUntil == nil ? now + SimulatorLoop.drainNanoseconds : now
    for listener in listeners.keys { Kernel.close(listener) }
    listeners = [:]
    for (descriptor, slot) in slots {
      slot.connection.drain()
      pump(descriptor, slot, now: now)
    }
  }
}
