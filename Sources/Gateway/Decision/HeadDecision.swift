import Bytes
import Policy
import Terms

/// What is decided at the headers, before any body: who, from where, to which path.
struct HeadDecision {
  /// Which of Envoy's filters asks.
  enum Filter {
    case extProc(isDuplex: Bool)
    /// `enforces`: it decides everything, and ext_proc at most follows.
    case extAuthz(enforces: Bool)

    /// ext_authz may run before the filter that verifies tokens, and leaves their callers to ext_proc.
    var insistsOnClaims: Bool {
      switch self {
      case .extProc: true
      case .extAuthz(let enforces): enforces
      }
    }
  }

  /// What comes next.
  enum Outcome {
    case refuse(Refusal)
    /// Tollgate answers by itself.
    case answer(LocalAnswer)
    /// An allowed path that is not inspected.
    case pass(route: HeaderText)
    /// The body decides.
    case inspect(Inspection)
    /// A JWT's caller is left to ext_proc: at ext_authz its claims may not be verified yet.
    case deferred
  }

  enum LocalAnswer {
    case modelList
    /// By the name that the client asked for: the model's own, or an alias.
    case model(named: String)
  }

  /// What the body's decision needs from the headers. Nothing changes it once it is made.
  final class Inspection {
    let endpoint: Endpoint
    let allowed: ModelSet
    /// Azure's path names the model.
    fileprivate(set) var pathModel: [UInt8]?
    /// The whole path and the name's place in it, kept where a rewrite may change it.
    fileprivate(set) var path: [UInt8] = []
    fileprivate(set) var pathModelRange: Range<Int>?
    /// A multipart body's content-type, for its boundary.
    fileprivate(set) var multipart: [UInt8]?
    /// The values of sticky headers, by their place in the policy's list.
    fileprivate(set) var sticky: [(index: Int, value: [UInt8])] = []

    fileprivate init(endpoint: Endpoint, allowed: ModelSet) {
      self.endpoint = endpoint
      self.allowed = allowed
    }
  }

  var identity: Identity?
  var isAnthropic = false
  var isGRPC = false
  /// The known endpoint, for records.
  var endpoint: Endpoint?
  let place: RequestPlace
  var outcome = Outcome.refuse(.credential)
  /// Why credentials were refused that name no single caller, for the log.
  private(set) var conflict: CredentialConflict?

  /// - Parameters:
  ///   - method, path, host: ranges in `bytes`; ext_authz has fields of its own for them.
  ///   - endOfStream: no body follows.
  init(
    _ head: RequestHead, _ context: EnvoyContext, in bytes: Span<UInt8>, policy: CompiledPolicy,
    nowSeconds: Int64, at filter: Filter, endOfStream: Bool
  ) {
    let path = bytes.extracting(head.path)
    place = RequestPlace(head, in: bytes, policy.snapshot)
    // Before the caller is known: an alias of a messages path speaks its dialect in every refusal.
    isAnthropic =
      switch place.path {
      case .endpoint(let endpoint, _): endpoint.dialect == .anthropic
      case .modelList, .modelDetail: head.hasAnthropicVersion
      case .custom, .unknown: Self.hasMessagesPath(path)
      }
    if head.contentTypeCount > 0 {
      isGRPC = MediaType(bytes.extracting(head.contentType)) == .grpc
    }
    let identification = Identification(
      policy: policy, nowSeconds: nowSeconds, insistsOnClaims: filter.insistsOnClaims)
    let known: Identity
    switch identification.identify(head, context, in: bytes) {
    case .refused:
      conflict = identification.conflict(head, context, in: bytes)
      return
    case .deferred:
      outcome = head.hasUpgrade ? .refuse(Self.upgrade) : .deferred
      return
    case .known(let identity): known = identity
    }
    identity = known
    do throws(Refusal) {
      try checkPlace(head, in: bytes, known, policy)
      outcome = try decidePath(place.path, head, in: bytes, known, policy, endOfStream: endOfStream)
      try checkSize(head, at: filter, known, policy)
    } catch {
      outcome = .refuse(error)
    }
  }

  /// 426: clients that try a WebSocket first go on over HTTP when they read it.
  static let upgrade = Refusal(
    .unsupportedUpgrade,
    "Protocol upgrades are not supported here. Send a plain HTTP request; a stream of server-sent "
      + "events is what a WebSocket would bring.")

  private static let messagesPath: StaticString = "/v1/messages"

  /// Whether refusals on this path speak Anthropic's dialect.
  static func hasMessagesPath(_ path: Span<UInt8>) -> Bool {
    path.starts(with: messagesPath)
  }

  /// Refuses a host that is not the tenant's, and a request that could be read in two ways.
  private func checkPlace(
    _ head: RequestHead, in bytes: Span<UInt8>, _ identity: Identity, _ policy: CompiledPolicy
  ) throws(Refusal) {
    guard !head.isAmbiguous(in: bytes) else {
      throw Refusal(
        .tenantMismatch,
        "The request names its host, method or path twice. Send each once, and a host header only "
          + "with the value of :authority.")
    }
    switch place.host {
    case .shared: break
    case .tenant(let index) where index == identity.tenant.index: break
    case .tenant, .nobody:
      throw .tenantMismatch(host: bytes.extracting(head.effectiveHost))
    }
    if head.hasUpgrade { throw Self.upgrade }
    if bytes.extracting(head.method).elementsEqual(Self.connect) { throw Self.upgrade }
  }

  private mutating func decidePath(
    _ match: PathMatch, _ head: RequestHead, in bytes: Span<UInt8>, _ identity: Identity,
    _ policy: CompiledPolicy, endOfStream: Bool
  ) throws(Refusal) -> Outcome {
    let path = bytes.extracting(head.path)
    switch match {
    case .unknown: throw .unknownPath(path)
    case .modelList:
      try require(Self.get, "GET", head, in: bytes)
      return .answer(.modelList)
    case .modelDetail(let id):
      try require(Self.get, "GET", head, in: bytes)
      let access = ModelAccess(policy.snapshot, identity)
      guard let name = ModelID.decoded(path.extracting(id)),
        let model = policy.snapshot.model(named: name.span), access.mayUse(model)
      else { throw .modelNotFound(access.names(where: access.mayUse)) }
      return .answer(.model(named: String(decoding: name, as: UTF8.self)))
    case .custom(let index):
      // Another tenant's path is as unknown as any other.
      guard let route = identity.tenant.route(forCustomPath: index) else {
        throw .unknownPath(path)
      }
      return .pass(route: route)
    case .endpoint(let endpoint, let pathModel):
      self.endpoint = endpoint
      guard let allowed = identity.tenant.models(at: endpoint) else {
        throw .pathNotAllowed(path)
      }
      try require(Self.post, "POST", head, in: bytes)
      return .inspect(
        try inspection(
          head, in: bytes, policy, endpoint: endpoint, allowed: allowed, pathModel: pathModel,
          endOfStream: endOfStream))
    }
  }

  /// Refuses what Envoy would not pass on with our headers.
  private func checkSize(
    _ head: RequestHead, at filter: Filter, _ identity: Identity, _ policy: CompiledPolicy
  ) throws(Refusal) {
    let kind: HeaderBlock.Kind
    switch outcome {
    case .refuse, .deferred: return
    case .answer:
      // Only ext_authz lets such a request go on, where ext_proc is to answer it.
      guard case .extAuthz(enforces: false) = filter else { return }
      kind = .passed(routeBytes: 0)
    case .pass(let route): kind = .passed(routeBytes: route.bytes.count)
    case .inspect(let inspection): kind = .inspected(pathModel: inspection.pathModelRange)
    }
    let block = HeaderBlock(head, at: filter, kind, identity, policy)
    let limit = policy.snapshot.maxHeadersCount
    guard block.fields <= limit else {
      throw Refusal(
        .tooManyHeaders,
        "The request has too many header fields: with the gateway's own they are "
          + "\(block.fields), and at most \(limit) can be passed on. Send fewer.")
    }
    let limitBytes = policy.snapshot.maxHeadersBytes
    guard block.bytes <= limitBytes else {
      throw Refusal(
        .tooManyHeaders,
        "The request's header fields are too long: with the gateway's own they may have "
          + "\(block.bytes) bytes, and at most \(limitBytes) can be passed on. Send fewer or "
          + "shorter ones.")
    }
  }

  private func require(
    _ method: StaticString, _ name: String, _ head: RequestHead, in bytes: Span<UInt8>
  ) throws(Refusal) {
    guard bytes.extracting(head.method).elementsEqual(method) else {
      var refusal = Refusal(
        .methodNotAllowed, "This endpoint is called with \(name) and no other method.")
      refusal.allow = name
      throw refusal
    }
  }

  /// What the headers say of a body that will be inspected.
  private func inspection(
    _ head: RequestHead, in bytes: Span<UInt8>, _ policy: CompiledPolicy, endpoint: Endpoint,
    allowed: ModelSet, pathModel: Range<Int>?, endOfStream: Bool
  ) throws(Refusal) -> Inspection {
    if head.isContentEncoded {
      throw Refusal(
        .unsupportedEncoding,
        "The request body is compressed, which cannot be inspected. Send it as it is, without "
          + "content-encoding.")
    }
    let isMultipart = endpoint.isMultipart
    let contentType = bytes.extracting(head.contentType)
    let wanted: MediaType = isMultipart ? .multipart : .json
    guard head.contentTypeCount == 1, MediaType(contentType) == wanted else {
      throw Refusal(
        .unsupportedMediaType,
        isMultipart
          ? "The content-type must be multipart/form-data, given once, with a boundary."
          : "The content-type must be application/json, given once, in UTF-8.")
    }
    if let length = head.contentLength {
      guard length >= 0 else {
        throw Refusal(.invalidValue, "The content-length must be a number, given once.")
      }
      if length > policy.snapshot.maxBodyBytes {
        throw .tooLarge(limit: policy.snapshot.maxBodyBytes)
      }
    }
    if endOfStream {
      throw Refusal(
        .invalidJSON, "The request has no body; this endpoint takes a JSON object or a form.")
    }
    let inspection = Inspection(endpoint: endpoint, allowed: allowed)
    if let pathModel {
      let path = bytes.extracting(head.path)
      inspection.path = path.copy()
      inspection.pathModelRange = pathModel
      inspection.pathModel = path.extracting(pathModel).copy()
    }
    if isMultipart { inspection.multipart = contentType.copy() }
    for (index, value) in head.sticky {
      inspection.sticky.append((index, bytes.extracting(value).copy()))
    }
    return inspection
  }

  private static let get: StaticString = "GET"
  private static let post: StaticString = "POST"
  private static let connect: StaticString = "CONNECT"
}
