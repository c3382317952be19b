#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The system's clocks, in nanoseconds (clock_gettime(2)). A reading takes some 25 ns and does not
/// enter the kernel.
package enum SystemClock {
  /// CLOCK_MONOTONIC: only runs forward; its zero means nothing.
  package static func monotonicNanoseconds() -> Int64 { nanoseconds(of: CLOCK_MONOTONIC) }

  /// CLOCK_BOOTTIME: like CLOCK_MONOTONIC, and it goes on while the machine is suspended.
  package static func bootNanoseconds() -> Int64 { nanoseconds(of: CLOCK_BOOTTIME) }

  /// CLOCK_REALTIME: since 1970-01-01T00:00:00Z; somebody may set it in either direction.
  package static func wallNanoseconds() -> Int64 { nanoseconds(of: CLOCK_REALTIME) }

  @inline(__always)
  private static func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    // The call fills a local of the right type.
    let result = unsafe clock_gettime(clock, &time)
    precondition(result == 0, "the clock can be read")
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
