/// The header names this program reads, sets and removes.
enum HeaderName {
  static let tenant: StaticString = "x-ai-tenant"
  static let subject: StaticString = "x-ai-subject"
  static let model: StaticString = "x-ai-model"
  static let modelRoute: StaticString = "x-ai-model-route"
  static let trafficClass: StaticString = "x-ai-traffic-class"
  static let stream: StaticString = "x-ai-stream"
  static let requestID: StaticString = "x-ai-request-id"
  static let gatewayModelName: StaticString = "x-gateway-model-name"
  static let acceptEncoding: StaticString = "accept-encoding"
  static let authorization: StaticString = "authorization"
  static let contentLength: StaticString = "content-length"
  static let contentType: StaticString = "content-type"
  static let path: StaticString = ":path"

  /// Where endpoint pickers read the tenant that shares fairly, and the class's objective: under
  /// the Inference Extension's names and under llm-d's, which win where both are given.
  static let fairnessIDs: [StaticString] = [
    "x-gateway-inference-fairness-id", "x-llm-d-inference-fairness-id",
  ]
  static let inferenceObjectives: [StaticString] = [
    "x-gateway-inference-objective", "x-llm-d-inference-objective",
  ]

  /// Those that are set on every request that goes on.
  static let ofCaller = [tenant, subject, modelRoute, requestID] + fairnessIDs
  /// Those that are set only where a model was chosen.
  static let ofModel =
    [model, trafficClass, stream, gatewayModelName] + inferenceObjectives
  /// All that are set on a request.
  static let ofRequest = ofCaller + ofModel

  /// Headers that may hold somebody's credential, whatever the policy reads. A backend that is
  /// handed one could act for the caller elsewhere.
  static let credentials = [
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization",
  ]
}
