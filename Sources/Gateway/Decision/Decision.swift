import Ledger
import Policy
import Terms

/// What is decided about one request so far. Replies, the access log's metadata and records are written
/// from it. One exchange's alone, and read for every reply: so it is not copied, and no property of it is
/// checked for exclusivity at run time, as none is handed to a function that knows the exchange.
final class Decision {
  @safe @exclusivity(unchecked) var requestID: [UInt8]
  @safe @exclusivity(unchecked) var identity: Identity?
  /// Where the request may go on; nil before the decision, of a refusal and of an own answer.
  @safe @exclusivity(unchecked) var route: ChosenRoute?
  /// What was asked for and refused, for records: the model and the class are known then.
  @safe @exclusivity(unchecked) var asked: (model: Model, isStream: Bool)?
  @safe @exclusivity(unchecked) var refusal: RefusalCode?
  /// The path is a known endpoint's: its response is metered and must not be compressed.
  @safe @exclusivity(unchecked) var isInspected = false
  /// Refusals are written in Anthropic's dialect; else in OpenAI's.
  @safe @exclusivity(unchecked) var isAnthropic = false
  /// The client speaks gRPC: refusals carry a gRPC status.
  @safe @exclusivity(unchecked) var isGRPC = false
  /// What records say of the request beside the decision; nil where nothing is recorded.
  @safe @exclusivity(unchecked) var traits: RequestTraits?

  init(requestID: [UInt8] = [], identity: Identity? = nil) {
    self.requestID = requestID
    self.identity = identity
  }

  /// The request does not go on after all. The model it asked for stays, for the refusal's record.
  func withdraw() {
    if let route, let model = route.model { asked = (model, route.isStream) }
    route = nil
  }

  /// The record of the decision; what was reserved is the books' to fill in.
  /// - Parameter limit: the name of the limit that refused the request.
  func record(policy: PolicySnapshot, limit: String? = nil) -> Admission {
    let model = route?.model ?? asked?.model
    return Admission(
      requestID: String(decoding: requestID, as: UTF8.self),
      decision: refusal == nil ? .allow : .deny,
      tenant: identity?.tenant.name.string, group: identity?.tenant.group?.name,
      subject: identity.map { String(decoding: $0.subject, as: UTF8.self) },
      keyID: identity?.key?.id.string, hostname: traits?.hostname, method: traits?.method,
      route: traits?.route, model: model?.name.string, modelRoute: route?.name.string,
      trafficClass: model?.trafficClass.name.string, operation: traits?.operation,
      provider: model?.provider, stream: route?.isStream ?? asked?.isStream,
      reason: refusal?.rawValue, httpStatus: refusal.map { Int64($0.status) }, limit: limit,
      source: traits?.source, envoyRequestID: traits?.envoyRequestID,
      traceparent: traits?.traceparent, policy: policy.revision)
  }
}
