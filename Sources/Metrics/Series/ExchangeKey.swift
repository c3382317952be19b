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
  var operation: GenAIOperation?
  var provider = NameID.none
  var error = ErrorLabel.none
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
    status: .other, stream: .none, operation: nil, provider: .other, error: .none, origin: nil,
    isRefused: false)
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

/// The label `error_type`: why an operation ended in an error, which is a status of 400 or more or how it
/// ended; nothing where it did not.
struct ErrorLabel: Hashable {
  /// The numbers of statuses begin at 100.
  private let code: UInt16

  static let none = ErrorLabel(code: 0)

  private init(code: UInt16) { self.code = code }

  /// - Parameter ending: why it ended, where that was not as it should.
  init(_ status: Int64?, _ ending: FinishedExchange.Fault?) {
    let status = StatusLabel(status)
    switch ending {
    case _ where status.code >= 400: self = ErrorLabel(code: status.code)
    case nil: self = .none
    case .failed: self = ErrorLabel(code: 1)
    case .cut: self = ErrorLabel(code: 2)
    case .interrupted: self = ErrorLabel(code: 3)
    }
  }

  /// Nil where there was no error.
  var text: String? {
    switch code {
    case 0: nil
    case 1: FinishedExchange.Fault.failed.rawValue
    case 2: FinishedExchange.Fault.cut.rawValue
    case 3: FinishedExchange.Fault.interrupted.rawValue
    default: String(code)
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
