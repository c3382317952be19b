/// What the machine says of this process.
package struct ProcessStatus: Sendable, Equatable {
  package var cpuSeconds: Double
  package var residentBytes: Int64
  package var virtualBytes: Int64
  package var openFDs: Int
  package var maxFDs: Int64
  package var threads: Int
  /// Unix time.
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
