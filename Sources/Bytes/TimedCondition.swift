#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A lock with a condition, whose waits end by CLOCK_MONOTONIC. Foundation's NSCondition waits for a
/// moment of the wall clock: where that is set back meanwhile, the wait lasts as much longer.
@safe package final class TimedCondition: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  /// An open lock.
  package init() {
    unsafe mutex = UnsafeMutablePointer.allocate(capacity: 1)
    unsafe condition = UnsafeMutablePointer.allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    let results = unsafe [
      pthread_mutex_init(mutex, nil), pthread_condattr_init(&attributes),
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC),
      pthread_cond_init(condition, &attributes), pthread_condattr_destroy(&attributes),
    ]
    precondition(results.allSatisfy { $0 == 0 }, "a condition can be made")
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Takes the lock.
  package func lock() {
    let result = unsafe pthread_mutex_lock(mutex)
    precondition(result == 0, "the lock can be taken")
  }

  /// Gives the lock back.
  package func unlock() { unsafe pthread_mutex_unlock(mutex) }

  /// Wakes all that wait.
  package func broadcast() { unsafe pthread_cond_broadcast(condition) }

  /// Waits to be woken; the lock is held before and after. Look at what is waited for again: a wait
  /// may end without a reason.
  package func wait() { unsafe pthread_cond_wait(condition, mutex) }

  /// The same for at most so long; false where that is over.
  package func wait(for duration: Duration) -> Bool {
    let end = MonotonicTime.now.advanced(by: max(duration, .zero))
    var time = timespec(
      tv_sec: Int(end.nanoseconds / 1_000_000_000), tv_nsec: Int(end.nanoseconds % 1_000_000_000))
    return unsafe pthread_cond_timedwait(condition, mutex, &time) == 0
  }

  /// Calls `body` with the lock held.
  package func withLock<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }
}
