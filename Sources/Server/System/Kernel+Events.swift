import CLinux
import Glibc

/// Events: epoll, eventfd, signalfd, inotify.
extension Kernel {
  /// An epoll that watches nothing: epoll_create1(2).
  static func createEpoll() throws(SystemError) -> Descriptor {
    Descriptor(owning: try syscall("epoll_create1") { epoll_create1(Int32(O_CLOEXEC)) })
  }

  /// epoll_ctl(2) with EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL.
  static func control(
    _ epoll: Descriptor, _ operation: Int32, _ target: Int32, events: UInt32, data: UInt64
  ) throws(SystemError) {
    var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: data))
    _ = try syscall("epoll_ctl") { unsafe epoll_ctl(epoll.raw, operation, target, &event) }
  }

  /// epoll_wait(2): returns how many of `events` were filled; none where it was interrupted.
  static func wait(
    _ epoll: Descriptor, _ events: inout [PolledEvent], timeoutMilliseconds: Int32
  ) -> Int {
    let capacity = Int32(events.count)
    let count = unsafe events.withUnsafeMutableBytes { bytes in
      // `PolledEvent` has the kernel's layout: it holds one epoll_event and nothing else.
      unsafe epoll_wait(
        epoll.raw, bytes.baseAddress!.assumingMemoryBound(to: epoll_event.self), capacity,
        timeoutMilliseconds)
    }
    if count >= 0 { return Int(count) }
    precondition(errno == EINTR, "epoll_wait fails only where it is interrupted")
    return 0
  }

  /// A non-blocking event counter: eventfd(2).
  static func createEvent() throws(SystemError) -> Descriptor {
    Descriptor(
      owning: try syscall("eventfd") { eventfd(0, Int32(O_CLOEXEC) | Int32(O_NONBLOCK)) })
  }

  /// Makes an event readable.
  static func signal(_ event: Descriptor) {
    // EAGAIN: the counter is full, so it is readable anyway.
    _ = try? syscall("eventfd_write") { eventfd_write(event.raw, 1) }
  }

  /// Makes an event unreadable until it is signalled again.
  static func clear(_ event: Descriptor) {
    var value: eventfd_t = 0
    // EAGAIN: nobody has signalled it.
    _ = try? syscall("eventfd_read") { unsafe eventfd_read(event.raw, &value) }
  }

  /// A non-blocking signalfd(2) for `signals`, which are blocked in this thread and in those it
  /// starts.
  static func createSignals(_ signals: [Int32]) throws(SystemError) -> Descriptor {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    let blocked = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    precondition(blocked == 0, "the signals exist")
    return Descriptor(
      owning: try syscall("signalfd") {
        unsafe signalfd(-1, &set, Int32(O_CLOEXEC) | Int32(O_NONBLOCK))
      })
  }

  /// The next signal that has come; nil where there is none.
  static func nextSignal(_ descriptor: Descriptor) -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    let count = try? syscall("read") { unsafe Glibc.read(descriptor.raw, &information, size) }
    return count == size ? Int32(information.ssi_signo) : nil
  }

  /// Ignores SIGPIPE: a write to a closed socket or pipe then fails with EPIPE, and does not end
  /// the process.
  package static func ignoreBrokenPipes() {
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
  }

  /// A non-blocking inotify(7) that watches nothing.
  static func createInotify() throws(SystemError) -> Descriptor {
    Descriptor(
      owning: try syscall("inotify_init1") {
        inotify_init1(Int32(O_CLOEXEC) | Int32(O_NONBLOCK))
      })
  }

  /// Watches a directory for names that are added, removed or replaced, and for files that are
  /// closed after a write.
  static func watchDirectory(_ inotify: Descriptor, _ path: String) throws(SystemError) {
    let mask =
      UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
      | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF)
      | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
    _ = try syscall("inotify_add_watch") { unsafe inotify_add_watch(inotify.raw, path, mask) }
  }

  /// poll(2) for reading: which of `descriptors` are readable, within `timeoutMilliseconds` (-1:
  /// without limit).
  static func pollReadable(_ descriptors: [Descriptor], timeoutMilliseconds: Int32) -> [Bool] {
    var polled = descriptors.map { Polled($0.raw, reads: true) }
    poll(&polled, timeoutMilliseconds: timeoutMilliseconds)
    return polled.map(\.isReadable)
  }
}

/// One epoll_event.
@safe struct PolledEvent {
  private var event = unsafe epoll_event()

  /// EPOLLIN and the like.
  var flags: UInt32 { unsafe event.events }
  /// What the registration was given to be known by.
  var data: UInt64 { unsafe event.data.u64 }
}
