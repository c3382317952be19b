import Transport

/// Everything that a server is told before it starts.
package struct ServerConfiguration: Sendable {
  /// `--max-connections` where it is not given.
  static let connectionsMaxDefault = 10_000

  /// Where it listens.
  package var listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 9002)]
  /// Whether it may listen on TCP addresses that other machines can reach.
  package var allowPlaintextNetwork = false
  /// Worker threads; by default one for each processor.
  package var workers = Kernel.processorCount()
  /// Connections of the whole process, the admin server's left out; one over it is closed at once.
  package var connectionsMax = Self.connectionsMaxDefault
  /// How long a drain may take before the connections that are left are cut.
  package var drainTimeout: Duration = .seconds(150)
  /// The limits of each HTTP/2 connection.
  package var transport = TransportLimits()
  /// The limits of each worker's loop.
  package var loop = LoopLimits()

  /// The defaults.
  package init() {}
}
