import Bytes
import Inference
import Policy
import Terms

/// What is decided once the body is known: the model, the bounds, the route.
struct BodyDecision {
  let policy: CompiledPolicy
  let identity: Identity
  let inspection: HeadDecision.Inspection
  /// The model that was asked for, from the moment it is known and allowed: a refusal's record names it.
  private(set) var asked: (model: Model, isStream: Bool)?

  init(policy: CompiledPolicy, identity: Identity, inspection: HeadDecision.Inspection) {
    self.policy = policy
    self.identity = identity
    self.inspection = inspection
  }

  /// - Parameter draw: a uniform random number, for a choice by weight that is not sticky.
  mutating func decide(_ facts: RequestFacts, draw: UInt64) throws(Refusal) -> ChosenRoute {
    let model = try model(facts)
    asked = (model, facts.stream ?? false)
    let isBackground = try checkGuarded(facts, model)
    let bound = try bound(facts, model)
    let route = model.routes[route(of: model, draw: draw)]
    let wanted = route.upstreamModel ?? model.name
    return ChosenRoute(
      model: model, name: route.name,
      rename: facts.model == nil || facts.model == wanted.bytes ? nil : wanted.bytes,
      path: path(for: wanted), isStream: facts.stream ?? false, bound: bound,
      isBackground: isBackground)
  }

  private func model(_ facts: RequestFacts) throws(Refusal) -> Model {
    guard let name = inspection.pathModel ?? facts.model else {
      throw Refusal(.missingModel, "The request names no model.", parameter: "model")
    }
    let model = try model(named: name)
    if inspection.pathModel != nil, let inBody = facts.model,
      policy.snapshot.model(named: inBody.span) !== model
    {
      throw Refusal(
        .invalidValue, "The body names another model than the path.", parameter: "model")
    }
    return model
  }

  /// The model of that name, if it is this caller's. `parameter`: the field that names it.
  func model(named name: [UInt8], by parameter: String = "model") throws(Refusal) -> Model {
    guard let model = policy.snapshot.model(named: name.span),
      ModelAccess(policy.snapshot, identity).mayUse(
        model, at: inspection.endpoint, allowed: inspection.allowed)
    else { throw .modelNotFound(parameter: parameter) }
    return model
  }

  /// The index of the route: by weight, or by what the model is sticky to. Called once an exchange.
  private func route(of model: Model, draw: UInt64) -> Int {
    guard model.routes.count > 1 else { return 0 }
    switch model.sticky {
    case .request: return model.route(draw: draw)
    case .subject: return bySubject(model)
    case .header(let name):
      for (index, value) in inspection.sticky
      where policy.names.sticky[index] == Array(name.utf8) {
        return model.route(draw: model.stickyDraw(key: value.span))
      }
      return bySubject(model)
    }
  }

  /// The subject is the caller inside its tenant: both are hashed, a zero byte between them.
  private func bySubject(_ model: Model) -> Int {
    let key = identity.tenant.name.bytes + [0] + identity.subject
    return model.route(draw: model.stickyDraw(key: key.span))
  }

  private func path(for wanted: HeaderText) -> [UInt8]? {
    guard let range = inspection.pathModelRange, inspection.pathModel != wanted.bytes else {
      return nil
    }
    return Array(inspection.path[..<range.lowerBound]) + Self.segment(wanted.bytes)
      + Array(inspection.path[range.upperBound...])
  }

  /// A name as one segment of a path: everything but unreserved bytes is percent-encoded
  /// (RFC 3986, sections 2.1 and 2.3).
  static func segment(_ name: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in name {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        result.append(byte)
      default:
        result += [UInt8(ascii: "%"), Hex.uppercaseDigit(byte >> 4), Hex.uppercaseDigit(byte & 15)]
      }
    }
    return result
  }
}
