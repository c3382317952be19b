import CLinux

/// One epoll, level-triggered: input that was not read is reported again, so no read is needed only
/// to see EAGAIN.
///
/// On its loop's thread.
struct Poller {
  /// What a descriptor is watched for. Errors and hang-ups are always reported.
  struct Interest: OptionSet {
    let rawValue: UInt32
    static let read = Interest(rawValue: EPOLLIN.rawValue)
    static let write = Interest(rawValue: EPOLLOUT.rawValue)
  }

  /// One registration of a descriptor. The number is different each time, because the kernel gives
  /// the same descriptor to another file after a close, and an event may be of the old one.
  struct Registration: Equatable, Hashable {
    let descriptor: Int32
    let number: UInt32

    /// The registration as it is kept in epoll_data.
    var packed: UInt64 { UInt64(number) << 32 | UInt64(UInt32(bitPattern: descriptor)) }

    init(descriptor: Int32, number: UInt32) {
      self.descriptor = descriptor
      self.number = number
    }

    init(packed: UInt64) {
      descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: packed))
      number = UInt32(truncatingIfNeeded: packed >> 32)
    }
  }

  /// What happened to a registration.
  struct Event {
    let registration: Registration
    let isReadable: Bool
    let isWritable: Bool
    /// EPOLLERR or EPOLLHUP: both directions are over.
    let isBroken: Bool
  }

  /// How many events one wait can return.
  static let eventsMax = 256

  private let epoll: Descriptor
  private var events: [PolledEvent]
  private var lastNumber: UInt32 = 0

  /// An epoll that watches nothing. Throws where the process has no descriptor left.
  init() throws(SystemError) {
    epoll = try Kernel.createEpoll()
    events = Array(repeating: PolledEvent(), count: Self.eventsMax)
  }

  /// Begins to watch `descriptor`, which the caller keeps open until `remove`.
  mutating func add(_ descriptor: Descriptor, _ interest: Interest) throws(SystemError)
    -> Registration
  {
    lastNumber &+= 1
    let registration = Registration(descriptor: descriptor.raw, number: lastNumber)
    try Kernel.control(
      epoll, EPOLL_CTL_ADD, descriptor.raw, events: interest.rawValue, data: registration.packed)
    return registration
  }

  /// Changes what the descriptor is watched for.
  func change(_ registration: Registration, to interest: Interest) throws(SystemError) {
    try Kernel.control(
      epoll, EPOLL_CTL_MOD, registration.descriptor, events: interest.rawValue,
      data: registration.packed)
  }

  /// Stops watching the descriptor. Events of the last wait may still name the registration.
  func remove(_ registration: Registration) throws(SystemError) {
    try Kernel.control(epoll, EPOLL_CTL_DEL, registration.descriptor, events: 0, data: 0)
  }

  /// Sleeps until something happens or `timeout` has passed (nil: without limit); returns the
  /// number of events.
  mutating func wait(timeout: Duration?) -> Int {
    Kernel.wait(epoll, &events, timeoutMilliseconds: Self.milliseconds(timeout))
  }

  /// An event of the last wait.
  func event(_ index: Int) -> Event {
    let flags = events[index].flags
    return Event(
      registration: Registration(packed: events[index].data),
      isReadable: flags & EPOLLIN.rawValue != 0,
      isWritable: flags & EPOLLOUT.rawValue != 0,
      isBroken: flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
  }

  /// A timeout as the kernel takes it (-1 for nil), rounded up: rounded down, a wait would end just
  /// before a timer is due, and the loop would spin until then.
  static func milliseconds(_ timeout: Duration?) -> Int32 {
    guard let timeout else { return -1 }
    let (seconds, attoseconds) = timeout.components
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
    if milliseconds.overflow { return seconds < 0 ? 0 : Int32.max }
    return Int32(clamping: max(0, milliseconds.partialValue + rest))
  }
}
