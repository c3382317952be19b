import Terms

/// The label values of one exchange, as numbers: the key by which a loop finds its series.
struct ExchangeKey: Hashable {
  var tenant = NameID.none
  var route = NameID.none
  var model = NameID.none
  var modelRoute = NameID.none
  var trafficClass = NameID.none
  var status = StatusLabel.none
  var stream = StreamLabel.none
  var origin: Origin?
  /// Refused exchanges have no duration and no usage.
  var isRefused = false

  /// The same with the tenant `other`, for a series beyond a family's limit.
  var ofOther: ExchangeKey {
    var key = self
    key.tenant = .other
    return key
  }

  /// Every label `other`, for a series beyond `MetricLimits.otherSeriesMax`.
  static let other = ExchangeKey(
    tenant: .other, route: .other, model: .other, modelRoute: .other, trafficClass: .other,
    status: .other, stream: .none, origin: nil, isRefused: false)
}

/// The label `stream`: whether the client asked for a stream, where that is known.
enum StreamLabel: UInt8 {
  case none, plain, stream

  init(_ stream: Bool?) { self = stream.map { $0 ? .stream : .plain } ?? .none }

  var text: String {
    switch self {
    case .none: "none"
    case .plain: "false"
    case .stream: "true"
    }
  }
}

/// The label `status`: an HTTP status that is registered (RFC 9110, section 15, and the IANA registry)
/// or one of two others in wide use. Any other is `other`, because a backend can make up hundreds.
struct StatusLabel: Hashable {
  let code: UInt16

  static let none = StatusLabel(code: 0)
  static let other = StatusLabel(code: 1)

  private init(code: UInt16) { self.code = code }

  init(_ status: Int64?) {
    guard let status else {
      self = .none
      return
    }
    switch status {
    case 100...104, 200...208, 226, 300...308, 400...417, 421...426, 428, 429, 431, 451,
      // 499 (nginx): the client closed the connection; 529 (Anthropic): overloaded.
      499, 500...508, 510, 511, 529:
      code = UInt16(status)
    default: self = .other
    }
  }

  var text: String {
    switch self {
    case .none: "none"
    case .other: "other"
    default: String(code)
    }
  }
}
