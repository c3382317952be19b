import Bytes
import Ledger
import Policy
import Terms

/// What records say of a request beside the decision: names that the policy knows and well-formed ids.
/// No other text of the client's gets into a record.
final class RequestTraits {
  let hostname: String?
  let method: String?
  let route: String?
  /// What the request asks a model for.
  let operation: GenAIOperation?
  let source: String?
  let envoyRequestID: String?
  let traceparent: String?

  private static let methods = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
  ].map(HeaderText.init)

  /// - Parameter source: the caller's address.
  init(
    _ head: RequestHead, _ context: EnvoyContext, in bytes: Span<UInt8>, _ place: RequestPlace,
    source: SourceAddress?, _ policy: PolicySnapshot
  ) {
    hostname = Self.hostname(bytes.extracting(head.effectiveHost), place.host, policy)
    method = Self.method(bytes.extracting(head.method))
    route = Self.route(bytes.extracting(head.path), place.path, policy)
    operation = if case .endpoint(let endpoint, _) = place.path { endpoint.operation } else { nil }
    traceparent =
      head.traceparent.isEmpty ? nil : TraceParent(bytes.extracting(head.traceparent))?.text
    self.source = source?.text
    envoyRequestID =
      Self.identifier(bytes.extracting(head.envoyRequestID))
      ?? Self.identifier(bytes.extracting(context.envoyRequestID))
  }

  private static func method(_ name: Span<UInt8>) -> String {
    for method in methods where name.elementsEqual(method.bytes) { return method.string }
    return "other"
  }

  /// Without port and trailing dot, in lower case, where it is a tenant's or a shared one.
  private static func hostname(
    _ host: Span<UInt8>, _ owner: HostOwner, _ policy: PolicySnapshot
  ) -> String {
    switch owner {
    case .nobody: return "other"
    case .shared where !policy.namesSharedHosts: return "other"
    case .shared, .tenant: break
    }
    if isPlain(host) { return host.text }
    var name = host.text.lowercased()
    if !name.hasSuffix("]"), let colon = name.lastIndex(of: ":") {
      name = String(name[..<colon])
    }
    if name.hasSuffix(".") { name.removeLast() }
    return name
  }

  /// Whether nothing of a well-formed host is to be changed, as of nearly all.
  private static func isPlain(_ host: Span<UInt8>) -> Bool {
    for index in host.indices {
      switch host[index] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        continue
      case UInt8(ascii: ".") where index < host.count - 1: continue
      default: return false
      }
    }
    return true
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
      var end = 0
      while end < path.count, path[end] != UInt8(ascii: "?") { end += 1 }
      let plain = path.extracting(first: end)
      let own = endpoint.path
      return plain.isEmpty || plain.elementsEqual(own.bytes) ? own.string : plain.text
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
    return bytes.text
  }
}
