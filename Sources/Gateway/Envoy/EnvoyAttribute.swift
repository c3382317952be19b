/// Envoy's attributes that are read (Envoy's documentation, "Attributes"), as ext_proc's
/// `request_attributes` and `response_attributes` ask for them. One that is added here must be asked for
/// in Envoy's configurations, too: `envoy/envoy.yaml`, the Kubernetes manifests, and lint's list.
enum EnvoyAttribute {
  // Of the request: read by `EnvoyContext`.

  /// `ip:port` of the peer.
  static let sourceAddress: StaticString = "source.address"
  /// Envoy's own id of the request (`x-request-id`).
  static let requestID: StaticString = "request.id"
  /// The URI that Envoy verified in the peer's certificate.
  static let principal: StaticString = "connection.uri_san_peer_certificate"

  // Of the response: read by `ResponseHead`.

  /// Whose answer it is: `via_upstream` is a backend's.
  static let codeDetails: StaticString = "response.code_details"
  /// Response flags as a bit set (Envoy's `StreamInfo::CoreResponseFlag`).
  static let responseFlags: StaticString = "response.flags"
  /// The host that was tried.
  static let upstreamAddress: StaticString = "upstream.address"
  /// How many hosts were tried, each time anew; 0 where the router was not asked.
  static let attemptCount: StaticString = "upstream.request_attempt_count"
}
