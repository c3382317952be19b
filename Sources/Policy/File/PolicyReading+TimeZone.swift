import Foundation

extension PolicyReading {
  /// A time zone by its IANA name.
  func timeZone(_ node: Node) -> String? {
    guard let name = text(node, max: bounds.textBytesMax, "textBytesMax") else { return nil }
    if name == "UTC" { return name }
    let known = TimeZone.knownTimeZoneIdentifiers
    // Foundation also accepts abbreviations (`IST`), but those are ambiguous.
    guard known.contains(name) || name.contains("/") && TimeZone(identifier: name) != nil else {
      log.error(
        node,
        "\(quoted(name)) is no time zone; write \"UTC\" or an IANA name such as \"Europe/Berlin\""
          + Suggestion.text(for: name, among: known))
      return nil
    }
    return name
  }
}
