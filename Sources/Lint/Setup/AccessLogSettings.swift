/// Collects the text of an access log's format.
enum AccessLogText {
  /// All texts in a format, joined by spaces; "" for the default format.
  static func text(of format: Field) -> String {
    if let text = format.text { return text }
    return (format.members.map { text(of: $0.value) } + format.items.map { text(of: $0) })
      .joined(separator: " ")
  }
}

/// The access log of a gateway.
struct AccessLogSettings: Sendable {
  let field: Field
  /// The text of each log's format; "" for the default format.
  let formats: [String]
  /// The name of the setting, for messages: `EnvoyProxy spec.telemetry.accessLog.settings[].format`.
  let setting: String
}
