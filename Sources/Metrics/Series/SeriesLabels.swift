import Terms

/// The numbers of one exchange's series in each family. A loop remembers them for the next exchange with
/// the same labels.
struct ExchangeSeries {
  var requests = 0
  var durations = 0
  var firstTokens = 0
  var usage = 0
  /// Nil where no model route was chosen.
  var route: Int?
  var tenant = 0
  /// Nil where no model was asked for anything.
  var genAI: (usage: Int, duration: Int, isError: Bool)?
  /// The families that were full, so that the tenant is `other`; one bit each, by raw value.
  var overflow: UInt16 = 0
}

/// The labels of `Family.requests`.
struct RequestLabels: Hashable {
  let tenant: NameID
  let route: NameID
  let modelRoute: NameID
  let trafficClass: NameID
  let status: StatusLabel
  let stream: StreamLabel
  let origin: Origin?

  init(_ key: ExchangeKey) {
    tenant = key.tenant
    route = key.route
    modelRoute = key.modelRoute
    trafficClass = key.trafficClass
    status = key.status
    stream = key.stream
    origin = key.origin
  }
}

/// The labels of `Family.durations` and `Family.firstTokens`.
struct LatencyLabels: Hashable {
  let tenant: NameID
  let route: NameID
  let modelRoute: NameID

  init(_ key: ExchangeKey) {
    tenant = key.tenant
    route = key.route
    modelRoute = key.modelRoute
  }
}

/// The labels of `Family.genAI`, and with the error those of `Family.genAIDurations`.
struct GenAILabels: Hashable {
  let operation: GenAIOperation?
  let provider: NameID
  let model: NameID
  let error: ErrorLabel

  init(_ key: ExchangeKey) {
    operation = key.operation
    provider = key.provider
    model = key.model
    error = key.error
  }
}

/// The labels of the families that have two.
struct PairLabels: Hashable {
  let first: NameID
  let second: NameID
}
