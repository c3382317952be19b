import Terms

/// All that series are told apart by, as numbers: what one look-up of a finished exchange goes by.
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

  /// The same of a tenant beyond the limit.
  var ofOther: ExchangeKey {
    var key = self
    key.tenant = .other
    return key
  }

  /// The same of everything beyond the limit.
  static let other = ExchangeKey(
    tenant: .other, route: .other, model: .other, modelRoute: .other, trafficClass: .other,
    status: .other, stream: .none, origin: nil, isRefused: false)
}

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

/// An HTTP status as a label: the registered ones (RFC 9110, section 15, and the IANA registry) and
/// two that are in wide use; a backend can make up any other.
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
      // A client that went away (nginx), and Anthropic's overload.
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
