/// The operating system's numbers about this process.
package struct ProcessStatus: Sendable, Equatable {
  /// User and system CPU time.
  package var cpuSeconds: Double
  package var residentBytes: Int64
  package var virtualBytes: Int64
  /// Open file descriptors.
  package var openFDs: Int
  /// File descriptors that may be open (RLIMIT_NOFILE).
  package var maxFDs: Int64
  package var threads: Int
  /// When the process was started, as Unix time.
  package var startSeconds: Double

  package init(
    cpuSeconds: Double, residentBytes: Int64, virtualBytes: Int64, openFDs: Int, maxFDs: Int64,
    threads: Int, startSeconds: Double
  ) {
    self.cpuSeconds = cpuSeconds
    self.residentBytes = residentBytes
    self.virtualBytes = virtualBytes
    self.openFDs = openFDs
    self.maxFDs = maxFDs
    self.threads = threads
    self.startSeconds = startSeconds
  }
}
