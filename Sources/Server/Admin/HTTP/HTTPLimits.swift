/// The limits and timeouts of the admin server's HTTP/1.1 connections.
package struct HTTPLimits: Sendable {
  /// The length of a request line without its end; one byte more is answered with 414.
  package var requestLineBytesMax = 4096
  /// The length of the request line and all header fields; one byte more is answered with 431.
  package var headBytesMax = 16 << 10
  /// The number of header fields; one more is answered with 431.
  package var fieldsMax = 64
  /// Connections of one scope. For one more, the connection that has waited longest for a request
  /// is closed.
  package var connectionsMax = 64
  /// The most that one read takes, and so the most that waits behind a request that is being
  /// answered.
  package var receiveBytes = 16 << 10
  /// How long a request's header fields may take, from its first byte; then it is answered with
  /// 408.
  package var headTimeout: Duration = .seconds(10)
  /// How long a connection may be silent between requests.
  package var idleTimeout: Duration = .seconds(90)
  /// How long the peer may take to read a whole answer. Prometheus gives up after 10 s by default.
  package var writeTimeout: Duration = .seconds(30)
  /// The bytes of all connections' answers that wait to be read; an answer over it is 503 instead.
  package var unsentBytesMax = 256 << 20
  /// How long the peer may take to close after our last byte.
  package var lingerTimeout: Duration = .seconds(1)

  /// The defaults.
  package init() {}
}
