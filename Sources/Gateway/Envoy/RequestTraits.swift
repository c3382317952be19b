import Bytes
import Ledger
import Policy
import Terms

/// What records say of a request beside the decision: names that the policy knows and well-formed ids.
/// No other text of the client's gets into a record.
struct RequestTraits {
  var hostname: String?
  var method: String?
  var route: String?
  /// What the request asks a model for.
  var operation: GenAIOperation?
  var source: String?
  var envoyRequestID: String?
  var traceparent: String?

  private static let methods: Set<String> = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
  ]

  init(
    _ head: RequestHead, _ context: EnvoyContext, in bytes: Span<UInt8>, _ policy: PolicySnapshot
  ) {
    hostname = Self.hostname(bytes.extracting(head.effectiveHost), policy)
    let method = Self.text(bytes.extracting(head.method))
    self.method = Self.methods.contains(method) ? method : "other"
    let path = bytes.extracting(head.path)
    let match = policy.match(path: path)
    route = Self.route(path, match, policy)
    if case .endpoint(let endpoint, _) = match { operation = endpoint.operation }
    if !head.traceparent.isEmpty {
      traceparent = TraceParent(bytes.extracting(head.traceparent))?.text
    }
    source = SourceAddress(bytes.extracting(context.source))?.text
    envoyRequestID =
      Self.identifier(bytes.extracting(head.envoyRequestID))
      ?? Self.identifier(bytes.extracting(context.envoyRequestID))
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

  private static func route(
    _ path: Span<UInt8>, _ match: PathMatch, _ policy: PolicySnapshot
  ) -> String {
    switch match {
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
        default: Hex.value(byte) != nil
        }
      guard isWanted else { return nil }
    }
    return text(bytes)
  }
}
