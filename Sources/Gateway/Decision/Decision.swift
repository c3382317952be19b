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
  func record(policy: PolicySnapshot) -> Admission {
    var record = Admission(
      requestID: String(decoding: requestID, as: UTF8.self),
      decision: refusal == nil ? .allow : .deny, policy: policy.revision)
    record.tenant = identity?.tenant.name.string
    record.group = identity?.tenant.group?.name
    record.subject = identity.map { String(decoding: $0.subject, as: UTF8.self) }
    record.keyID = identity?.key?.id.string
    record.hostname = traits?.hostname
    record.method = traits?.method
    record.route = traits?.route
    let model = route?.model ?? asked?.model
    record.model = model?.name.string
    record.modelRoute = route?.name.string
    record.trafficClass = model?.trafficClass.name.string
    record.provider = model?.provider
    record.operation = traits?.operation
    record.stream = route?.isStream ?? asked?.isStream
    record.reason = refusal?.rawValue
    record.httpStatus = refusal.map { Int64($0.status) }
    record.source = traits?.source
    record.envoyRequestID = traits?.envoyRequestID
    record.traceparent = traits?.traceparent
    return record
  }
}
