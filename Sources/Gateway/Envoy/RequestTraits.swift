import Bytes
import EnvoyAPI
import Ledger
import Policy
import Terms

/// What records say of a request beside its verdict: names the policy knows, ids that are
/// well-formed, nothing else.
struct RequestTraits {
  var hostname: String?
  var method: String?
  var route: String?
  var source: String?
  var envoyRequestID: String?
  var traceparent: String?

  private static let methods: Set<String> = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
  ]

  init(
    _ head: RequestHead, _ evidence: Evidence, in bytes: Span<UInt8>, _ policy: PolicySnapshot
  ) {
    hostname = Self.hostname(bytes.extracting(head.effectiveHost), policy)
    let method = Self.text(bytes.extracting(head.method))
    self.method = Self.methods.contains(method) ? method : "other"
    route = Self.route(bytes.extracting(head.path), policy)
    if !head.traceparent.isEmpty {
      traceparent = TraceParent(bytes.extracting(head.traceparent))?.text
    }
    source = SourceAddress(bytes.extracting(evidence.source))?.text
    envoyRequestID =
      Self.identifier(bytes.extracting(head.envoyRequestID))
      ?? Self.identifier(bytes.extracting(evidence.envoyRequestID))
  }

  private static func text(_ bytes: Span<UInt8>) -> String {
    String(decoding: bytes.copy(), as: UTF8.self)
  }

  /// Without port and trailing dot, in lower case, where it is a tenant's or a shared one.
  private static func hostname(_ host: Span<UInt8>, _ policy: PolicySnapshot) -> String {
    switch policy.owner(ofHost: host) {
    case .nobody: return "other"
    case .shared where !policy.namesSharedHosts: return "other"
    case .shared, .tenant: break
    }
    var name = text(host).lowercased()
    if !name.hasSuffix("]"), let colon = name.lastIndex(of: ":") {
      name = String(name[..<colon])
    }
    if name.hasSuffix(".") { name.removeLast() }
    return name
  }

  private static func route(_ path: Span<UInt8>, _ policy: PolicySnapshot) -> String {
    switch policy.match(path: path) {
    case .unknown: return "other"
    case .modelList: return "/v1/models"
    case .modelDetail: return "/v1/models/{id}"
    case .custom(let index): return policy.customPaths[index]
    case .endpoint(let endpoint, nil):
      let whole = text(path)
      let plain = whole.firstIndex(of: "?").map { String(whole[..<$0]) } ?? whole
      return plain.isEmpty ? endpoint.path.string : plain
    case .endpoint(let endpoint, _): return endpoint.path.string
    }
  }

  /// A UUID (RFC 9562, section 4), as Envoy makes them; a client's own word is not kept.
  private static func identifier(_ bytes: Span<UInt8>) -> String? {
    guard bytes.count == 36 else { return nil }
    for index in bytes.indices {
      let byte = bytes[index]
      let isWanted =
        switch index {
        case 8, 13, 18, 23: byte == UInt8(ascii: "-")
        default:
          byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
        }
      guard isWanted else { return nil }
    }
    return text(bytes)
  }
}

extension DecisionRecord {
  /// The admission's record; what was reserved is the books' to fill in.
  func admission(_ traits: RequestTraits?, policy: PolicySnapshot) -> Ledger.Admission {
    var record = Ledger.Admission(
      requestID: String(decoding: requestID, as: UTF8.self),
      decision: refusal == nil ? .allow : .deny, policy: policy.revision)
    record.tenant = identity?.tenant.name.string
    record.subject = identity.map { String(decoding: $0.subject, as: UTF8.self) }
    record.keyID = identity?.key?.id.string
    record.hostname = traits?.hostname
    record.method = traits?.method
    record.route = traits?.route
    let model = admission?.model ?? asked?.model
    record.model = model?.name.string
    record.modelRoute = admission?.routeName.string
    record.trafficClass = model?.trafficClass.name.string
    record.stream = admission?.isStream ?? asked?.isStream
    record.reason = refusal?.rawValue
    record.httpStatus = refusal.map { Int64($0.status) }
    record.source = traits?.source
    record.envoyRequestID = traits?.envoyRequestID
    record.traceparent = traits?.traceparent
    return record
  }

  /// The admission does not take place: what it was to be stays on record with its refusal.
  mutating func withdraw() {
    if let admission, let model = admission.model { asked = (model, admission.isStream) }
    admission = nil
  }

  /// The completion's record; usage and charges are the books' to fill in.
  func completion(_ traits: RequestTraits?) -> Completion {
    Completion(
      requestID: String(decoding: requestID, as: UTF8.self),
      tenant: identity?.tenant.name.string,
      subject: identity.map { String(decoding: $0.subject, as: UTF8.self) },
      hostname: traits?.hostname, route: traits?.route, model: admission?.model?.name.string,
      modelRoute: admission?.routeName.string,
      trafficClass: admission?.model?.trafficClass.name.string, stream: admission?.isStream,
      usageSource: .none, endReason: .cut, traceparent: traits?.traceparent)
  }
}
