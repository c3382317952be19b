import Bytes

/// The attributes of OpenTelemetry's conventions for generative AI that a record gives, beside its own
/// fields: of admissions and completions of models.
enum GenAIAttributes {
  /// A field of the record, and its name in the conventions.
  private static let names = [
    ("operation", "gen_ai.operation.name"), ("provider", "gen_ai.provider.name"),
    ("model", "gen_ai.request.model"),
  ]
  private static let counts = [
    ("prompt_tokens", "gen_ai.usage.input_tokens"),
    ("completion_tokens", "gen_ai.usage.output_tokens"),
  ]

  /// In the order in which they are written; none where the record is not about an operation.
  static func of(_ type: String, _ members: [JSONValue.Member]) -> [JSONValue.Member] {
    guard type == "admission" || type == "completion" else { return [] }
    let fields = Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    guard case .string? = fields["operation"] else { return [] }
    var attributes: [JSONValue.Member] = []
    for (field, name) in names {
      if case .string(let text)? = fields[field] {
        attributes.append(.init(name: name, value: .string(text)))
      }
    }
    // What was estimated is nobody's report.
    if fields["usage_source"] == .string("reported") {
      for (field, name) in counts {
        if case .number(let count)? = fields[field] {
          attributes.append(.init(name: name, value: .number(count)))
        }
      }
    }
    if case .string(let reason)? = fields["finish_reason"] {
      attributes.append(
        .init(name: "gen_ai.response.finish_reasons", value: .array([.string(reason)])))
    }
    if let error = error(fields) {
      attributes.append(.init(name: "error.type", value: .string(error)))
    }
    return attributes
  }

  /// The code of a refusal; the status of an answer of 400 or more; how an exchange ended otherwise than
  /// it should. Nil where there was no error.
  private static func error(_ fields: [String: JSONValue]) -> String? {
    if case .string(let reason)? = fields["reason"] { return reason }
    if case .number(let text)? = fields["http_status"], let status = Int(text), status >= 400 {
      return text
    }
    guard case .string(let end)? = fields["end_reason"], end != "complete" else { return nil }
    return end
  }
}
