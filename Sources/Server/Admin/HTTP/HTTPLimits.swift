/// What bounds one HTTP/1.1 address of the admin server.
package struct HTTPLimits: Sendable {
  /// The request line without its end; one byte more is 414.
  package var requestLineBytesMax = 4096
  /// The request line and every header field; one byte more is 431.
  package var headBytesMax = 16 << 10
  /// Header fields of a request; one more is 431.
  package var fieldsMax = 64
  /// Connections of one address; for one more the one that waits longest for a request makes room.
  package var connectionsMax = 64
  /// One read takes at most this much, and no more than that waits unparsed behind a request.
  package var receiveBytes = 16 << 10
  /// From a request's first byte to the end of its header fields; then 408.
  package var headTimeout: Duration = .seconds(10)
  /// How long a connection may be silent between requests.
  package var idleTimeout: Duration = .seconds(90)
  /// An answer must have been taken whole after this long; Prometheus itself waits 10 s by default.
  package var writeTimeout: Duration = .seconds(30)
  /// What all connections together may have waiting to be read by their peers; then 503.
  package var unsentBytesMax = 256 << 20
  /// After our last byte the peer has this long to read it and close.
  package var lingerTimeout: Duration = .seconds(1)

  package init() {}
}
