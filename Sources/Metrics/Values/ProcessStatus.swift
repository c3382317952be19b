/// The operating system's numbers about this process.
package struct ProcessStatus: Sendable, Equatable {
  /// User and system CPU time.
  var cpuSeconds: Double
  var residentBytes: Int64
  var virtualBytes: Int64
  /// Open file descriptors.
  var openFDs: Int
  /// File descriptors that may be open (RLIMIT_NOFILE).
  var maxFDs: Int64
  var threads: Int
  /// When the process was started, as Unix time.
  var startSeconds: Double

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
