import Transport

/// Everything a server is told before it starts.
package struct ServerConfiguration: Sendable {
  /// Accepted connections of the whole process; one beyond is closed at once.
  package static let connectionsMaxDefault = 10_000

  package var listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 9002)]
  package var allowPlaintextNetwork = false
  /// Worker threads; by default one for each processor.
  package var workers = Kernel.processorCount()
  package var connectionsMax = Self.connectionsMaxDefault
  /// How long a drain may take before the rest is cut.
  package var drainTimeout: Duration = .seconds(150)
  package var transport = TransportLimits()
  package var loop = LoopLimits()

  package init() {}
}
