import Inference
import Policy
import Terms

/// What the fields of a request decide beside `model`: whether they are allowed, and the answer's bound.
extension BodyDecision {
  /// Refuses fields that choose a model or a way out beside `model`, unless the model's `allow_fields` has
  /// them and the models that they name are this caller's. Returned: whether the answer is made after
  /// the exchange.
  func checkGuarded(_ facts: RequestFacts, _ model: Model) throws(Refusal) -> Bool {
    var isBackground = false
    for member in facts.guarded {
      let field = member.field
      // There it is the background of the picture.
      if field == .background, inspection.endpoint == .imageGenerations { continue }
      guard let field, member.isExact, model.requests.allowFields.contains(field) else {
        throw Refusal(
          .unsupportedParameter,
          "The field \(member.name) is not supported for this model. Leave it out, or ask the "
            + "gateway's operator to allow it.",
          parameter: member.name)
      }
      guard let names = member.models else {
        throw Refusal(
          .invalidValue, "The value of \(member.name) is not a model's name or a list of names.",
          parameter: member.name)
      }
      for name in names { _ = try self.model(named: name, by: member.name) }
      if field == .background { isBackground = true }
    }
    return isBackground
  }

  /// The bound of the answer: what the client stated in the fields that count for this model, and what
  /// the policy makes of it.
  func bound(_ facts: RequestFacts, _ model: Model) throws(Refusal) -> ChosenBound {
    let fields = model.boundFields(at: inspection.endpoint)
    let limit = model.maxOutputTokens
    var bound = ChosenBound()
    do throws(BodyProblem) {
      bound.stated = try facts.statedBound(in: fields)
    } catch {
      throw Refusal(error)
    }
    bound.raised = facts.raisedBound(
      beside: fields, unreadable: limit ?? TokenEstimator.outputTokensDefault)
    guard let limit, let written = fields.first else { return bound }
    guard let stated = bound.stated else {
      if model.requests.bound == .inject { bound.written = written }
      return bound
    }
    guard stated > limit else { return bound }
    guard model.requests.boundAbove == .clamp else {
      let field = fields.first { facts.bounds[$0].tokens == stated } ?? written
      throw Refusal(
        .invalidValue,
        "The model writes at most \(limit) tokens; \(stated) were asked for. "
          + "Ask for at most \(limit), or leave the bound out.",
        parameter: field.rawValue)
    }
    bound.splices = facts.splices(lowering: fields, to: limit)
    bound.stated = limit
    return bound
  }
}
