import Books
import Bytes
import Inference
import Policy
import Quota
import Terms

/// One request put to a policy by hand: `tollgate explain`. The same decisions as on the wire, each
/// with what it went by.
package struct Explanation: Sendable {
  /// The steps in order: what was looked at and what came out.
  package let steps: [(step: String, outcome: String)]
  /// 200 for an allowed request, else the refusal's HTTP status.
  package let status: Int
  /// The verdict in a line: `allow chat-llama3-8b-v1`, or the refusal's code and message.
  package let verdict: String
}

extension PolicySnapshot {
  /// Why a request would be decided so. `headers` may hold credentials; none of them reaches the
  /// result. JWT claims and client certificates come from Envoy and cannot be put here.
  package func explain(
    host: String, method: String, path: String, headers: [(name: String, value: String)],
    body: [UInt8]?, nowSeconds: Int64
  ) -> Explanation {
    var explainer = Explainer(policy: CompiledPolicy(self), nowSeconds: nowSeconds)
    return explainer.explain(host: host, method: method, path: path, headers: headers, body: body)
  }
}

/// Walks through the decisions and notes them.
private struct Explainer {
  let policy: CompiledPolicy
  let nowSeconds: Int64
  private var steps: [(step: String, outcome: String)] = []

  init(policy: CompiledPolicy, nowSeconds: Int64) {
    self.policy = policy
    self.nowSeconds = nowSeconds
  }

  private mutating func note(_ step: String, _ outcome: String) {
    steps.append((step, outcome))
  }

  mutating func explain(
    host: String, method: String, path: String, headers: [(name: String, value: String)],
    body: [UInt8]?
  ) -> Explanation {
    var bytes: [UInt8] = []
    func range(_ text: String) -> Range<Int> {
      let start = bytes.count
      bytes += Array(text.utf8)
      return start..<bytes.count
    }
    let fields = headers.map { (range($0.name.lowercased()), range($0.value)) }
    var head = RequestHead()
    let places = (range(method), range(path), range(host))
    for (name, value) in fields {
      head.add(name: name, value: value, in: bytes.span, names: policy.names)
    }
    if head.contentTypeCount == 0, method == "POST", body != nil {
      note("content-type", "none is given: application/json is assumed; without one it is a 415")
      head.add(
        name: range("content-type"), value: range("application/json"), in: bytes.span,
        names: policy.names)
    }
    head.method = places.0
    head.path = places.1
    head.authority = places.2
    let decided = HeadDecision(
      head, EnvoyContext(), in: bytes.span, policy: policy, nowSeconds: nowSeconds,
      at: .extProc(isDuplex: false), endOfStream: body == nil)
    noteIdentity(head, decided, in: bytes.span)
    noteHost(host, decided)
    notePath(path, decided)
    if head.steering.count > 0 {
      note("hygiene", "\(head.steering.count) headers that steer backends are removed")
    }
    return conclude(decided, body: body)
  }

  private mutating func noteIdentity(
    _ head: RequestHead, _ decided: HeadDecision, in bytes: Span<UInt8>
  ) {
    if let identity = decided.identity {
      let key = identity.key.map { ", key \($0.id.string)" } ?? ""
      let subject = String(decoding: identity.subject, as: UTF8.self)
      return note("identify", "tenant \(identity.tenant.name.string), subject \(subject)\(key)")
    }
    note("identify", head.credentialsPresent == 0 ? "no credential" : reason(head, in: bytes))
  }

  /// Why a key is not accepted: the operator may know it, the caller is never told.
  private func reason(_ head: RequestHead, in bytes: Span<UInt8>) -> String {
    for index in policy.names.credentials.indices
    where head.credentialsPresent & 1 << UInt8(index) != 0 {
      var value = bytes.extracting(head.credentials[index])
      if policy.names.hasScheme[index], value.count > 7 {
        value = value.extracting(droppingFirst: 7)
      }
      if Identification.looksLikeJWT(value) {
        return "a JWT: it counts only with the claims that Envoy verified"
      }
      guard let reference = policy.snapshot.key(SHA256.digest(of: value)) else { continue }
      let tenant = policy.snapshot.tenants[reference.tenant]
      let key = tenant.keys[reference.key]
      let name = "key \(key.id.string) of tenant \(tenant.name.string)"
      if key.disabled { return "\(name) is disabled" }
      if let expires = key.expiresSeconds, expires <= nowSeconds { return "\(name) has expired" }
      return "\(name) is shown beside another credential"
    }
    return "the credential is in no tenant's keys"
  }

  private mutating func noteHost(_ host: String, _ decided: HeadDecision) {
    let owner =
      switch policy.snapshot.owner(ofHost: Array(host.utf8).span) {
      case .shared: "shared: any tenant may use it"
      case .nobody: "nobody's: no tenant has it and it is not in shared_hostnames"
      case .tenant(let index): "tenant \(policy.snapshot.tenants[index].name.string)'s"
      }
    note("host", owner)
  }

  private mutating func notePath(_ path: String, _ decided: HeadDecision) {
    let match =
      switch policy.snapshot.match(path: Array(path.utf8).span) {
      case .unknown:
        "no known endpoint, path alias or allowed path, or a spelling that never matches"
      case .modelList: "the list of models, answered here"
      case .modelDetail: "one model, answered here"
      case .custom(let index): "\(policy.snapshot.customPaths[index]), not inspected"
      case .endpoint(let endpoint, let pathModel):
        "endpoint \(endpoint)" + (pathModel == nil ? "" : ", the model is in the path")
      }
    note("path", match)
  }

  private mutating func conclude(_ decided: HeadDecision, body: [UInt8]?) -> Explanation {
    switch decided.outcome {
    case .refuse(let refusal): return refused(refusal)
    case .deferred: return refused(.credential)
    case .answer:
      noteLimits(decided.identity) { limits, identity in
        limits.ownAnswerSet(tenant: identity.tenant, keyIndex: identity.keyIndex)
      }
      return Explanation(steps: steps, status: 200, verdict: "answered by Tollgate")
    case .pass(let route):
      noteLimits(decided.identity) { limits, identity in
        limits.set(tenant: identity.tenant, keyIndex: identity.keyIndex, model: nil)
      }
      // Only limits on requests and slots count such a path, and one request always fits into those.
      return Explanation(steps: steps, status: 200, verdict: "allow \(route.string)")
    case .inspect(let inspection):
      do throws(Refusal) {
        return try inspected(inspection, decided, body: body ?? [])
      } catch {
        return refused(error)
      }
    }
  }

  private mutating func inspected(
    _ inspection: HeadDecision.Inspection, _ decided: HeadDecision, body: [UInt8]
  ) throws(Refusal) -> Explanation {
    guard let identity = decided.identity,
      var reader = BodyReader(
        multipart: inspection.multipart, bytesMax: policy.snapshot.maxBodyBytes)
    else {
      throw Refusal(.unsupportedMediaType, "The content-type names no usable boundary.")
    }
    reader.scan(body.span)
    let facts = try reader.finish()
    noteBody(facts)
    var random = Xoshiro256()
    var decided = BodyDecision(policy: policy, identity: identity, inspection: inspection)
    let route = try decided.decide(facts, draw: random.next())
    if let model = route.model { noteRoute(model, route) }
    noteLimits(identity) { limits, identity in
      limits.set(tenant: identity.tenant, keyIndex: identity.keyIndex, model: route.model)
    }
    try reserve(route, facts, identity, inspection.endpoint)
    return Explanation(
      steps: steps, status: 200, verdict: "allow \(route.name.string)")
  }

  private mutating func noteBody(_ facts: RequestFacts) {
    var parts = ["\(facts.byteCount) bytes"]
    if facts.stream == true { parts.append("stream") }
    if let n = facts.n { parts.append("n \(n)") }
    if facts.prompts > 1 { parts.append("\(facts.prompts) prompts") }
    if !facts.guarded.isEmpty {
      parts.append("needs allow_fields: \(facts.guarded.map(\.name).joined(separator: ", "))")
    }
    note("body", parts.joined(separator: ", "))
  }

  private mutating func noteRoute(_ model: Model, _ route: ChosenRoute) {
    note("model", "\(model.name.string), class \(model.trafficClass.name.string)")
    let shares = model.routes.map { "\($0.name.string) \($0.weight)/\(model.totalWeight)" }
    let sticky =
      switch model.sticky {
      case .request: "drawn for each request"
      case .subject: "sticky by subject"
      case .header(let name): "sticky by \(name)"
      }
    note("route", "\(shares.joined(separator: ", ")); \(sticky)")
    if let stated = route.bound.stated { note("bound", "at most \(stated) tokens an answer") }
    if let raised = route.bound.raised {
      note("bound", "\(raised) tokens in a field that does not bind: reserved, if that is more")
    }
    if let field = route.bound.written, let most = model.maxOutputTokens {
      note(
        "rewrite",
        "\(field.rawValue) is written into the body: \(most), or what the limits could admit")
    }
    for splice in route.bound.splices {
      let written = String(decoding: splice.replacement, as: UTF8.self)
      note("rewrite", "the body's bound becomes \(written)")
    }
    if route.isBackground { note("background", "the answer is made after the exchange") }
    if let rename = route.rename {
      note("rewrite", "the body's model becomes \(String(decoding: rename, as: UTF8.self))")
    }
  }

  /// The limits that this request counts against, each with where it comes from.
  private mutating func noteLimits(
    _ identity: Identity?, set: (PolicyLimits, Identity) -> LimitSet
  ) {
    guard let identity else { return }
    let limits = PolicyLimits(policy.snapshot)
    let words = limits.origins(of: set(limits, identity)).map { limit, origin in
      let loss = limit?.statedStoreLoss.map { "on_store_loss \($0.rawValue)" }
      let mode = limit?.isShadow ?? false ? "shadow" : nil
      let notes = [origin.words, mode, loss].compactMap(\.self).joined(separator: ", ")
      return "\(origin.name) (\(notes))"
    }
    note("limits", words.isEmpty ? "none" : words.joined(separator: ", "))
  }

  /// Tries the request against unused limits: what does not fit into those never fits.
  private mutating func reserve(
    _ route: ChosenRoute, _ facts: RequestFacts, _ identity: Identity, _ endpoint: Endpoint
  ) throws(Refusal) {
    guard let size = RequestSize(route, facts, endpoint) else { return }
    let limits = PolicyLimits(policy.snapshot)
    var table = QuotaTable(limits.catalog)
    let demand = size.demand(by: TokenEstimator(), route.model?.prices)
    let now = nowSeconds * 1000
    let set = limits.set(
      tenant: identity.tenant, keyIndex: identity.keyIndex, model: route.model)
    switch table.reserve(set, caller: Caller(identity), demand: demand, now: now) {
    case .refused(let refusal): throw Refusal(refusal, nowMs: now)
    case .asks: preconditionFailure("what is explained shares its limits with nobody")
    case .admitted(let reservation):
      let reserved = reservation.demand
      note(
        "reserve",
        "about \(reserved.promptTokens) prompt tokens, \(reserved.completionTokens) of the answer")
      if !reservation.shadowed.isEmpty {
        let names = reservation.shadowed.map(\.name).joined(separator: ", ")
        note("shadow", "would be refused by \(names), if that did more than count")
      }
      _ = table.settle(reservation, as: .nothing, now: now)
    }
  }

  private func refused(_ refusal: Refusal) -> Explanation {
    Explanation(
      steps: steps, status: refusal.code.status,
      verdict: "deny \(refusal.code.rawValue): \(refusal.message)")
  }
}
