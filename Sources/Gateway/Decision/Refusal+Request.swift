import Bytes

/// Refusals that say what of the request was wrong, and what would be right.
extension Refusal {
  /// The most bytes of a path or a host that a refusal repeats.
  package static let quotedBytesMax = 128
  /// The most models that a refusal lists.
  package static let modelsNamedMax = 10

  /// 404: most often a wrong base URL.
  static func unknownPath(_ path: Span<UInt8>) -> Refusal {
    Refusal(
      .unknownPath,
      "There is nothing at the path \(quoted(path)). Check the base URL of the client: "
        + "OpenAI's SDKs want it with /v1 at its end, Anthropic's without.")
  }

  /// 403 for an endpoint that there is and the tenant may not use.
  static func pathNotAllowed(_ path: Span<UInt8>) -> Refusal {
    Refusal(
      .pathNotAllowed,
      "The path \(quoted(path)) is not allowed for your tenant. Use another endpoint, or ask the "
        + "gateway's operator for it.")
  }

  static func tenantMismatch(host: Span<UInt8>) -> Refusal {
    Refusal(
      .tenantMismatch,
      "The host \(quoted(host)) does not belong to the tenant of the credential. Use your tenant's "
        + "host, or the other host's credential.")
  }

  /// 404 in the same words for a model that is unknown and for one that is not this caller's.
  /// `parameter`: the field that names it.
  static func modelNotFound(
    _ models: (first: [String], count: Int), parameter: String = "model"
  ) -> Refusal {
    Refusal(
      .modelNotFound,
      "The model does not exist or you do not have access to it. \(list(models))",
      parameter: parameter)
  }

  static func missingModel(_ models: (first: [String], count: Int)) -> Refusal {
    Refusal(.missingModel, "The request names no model. \(list(models))", parameter: "model")
  }

  private static func list(_ models: (first: [String], count: Int)) -> String {
    if models.first.isEmpty { return "There is none that you can use here." }
    let more =
      models.count > models.first.count ? " and \(models.count - models.first.count) more" : ""
    return "You can use here: \(models.first.joined(separator: ", "))\(more). "
      + "GET /v1/models lists all that you can use."
  }

  static func tooLarge(limit: Int) -> Refusal {
    Refusal(
      .requestTooLarge,
      "The request body is larger than \(limit) bytes, the most that is taken. Send a smaller one.")
  }

  /// A path without its query, or a host, as a text shows it: cut to `quotedBytesMax`, and a `?` for
  /// every byte that is not visible ASCII.
  static func quoted(_ text: Span<UInt8>) -> String {
    var shown: [UInt8] = []
    shown.reserveCapacity(min(text.count, quotedBytesMax))
    var isCut = false
    for index in text.indices {
      let byte = text[index]
      if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { break }
      guard shown.count < quotedBytesMax else {
        isCut = true
        break
      }
      shown.append(byte > 0x20 && byte < 0x7f ? byte : UInt8(ascii: "?"))
    }
    return String(decoding: shown, as: UTF8.self) + (isCut ? "…" : "")
  }
}
