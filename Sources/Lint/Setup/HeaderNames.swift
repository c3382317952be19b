/// The headers that Tollgate sets on requests, and the endpoint picker's.
enum HeaderNames {
  static let modelRoute = "x-ai-model-route"
  static let stream = "x-ai-stream"
  static let trafficClass = "x-ai-traffic-class"
  /// Where an endpoint picker names the backend's address (Gateway API Inference Extension).
  static let endpoint = "x-gateway-destination-endpoint"
  /// Those that Tollgate sets and that routes may match on.
  static let own = [
    "x-ai-tenant", "x-ai-subject", "x-ai-model", "x-ai-model-route", "x-ai-traffic-class",
    "x-ai-stream", "x-ai-request-id", "x-gateway-model-name", "x-gateway-inference-fairness-id",
    "x-gateway-inference-objective",
  ]
}
