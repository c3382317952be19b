/// Kubernetes' label selectors.
enum Labels {
  /// The labels that are written in a map.
  static func all(_ field: Field) -> [String: String] {
    Dictionary(field.members.map { ($0.key, $0.value.text ?? "") }) { $1 }
  }

  /// Whether a selector (`matchLabels`, `matchExpressions`) selects these labels; an empty one does.
  static func select(_ selector: Field, _ labels: [String: String]) -> Bool {
    let exact = selector["matchLabels"].members.allSatisfy { key, value in
      labels[key] == value.text
    }
    return exact
      && selector["matchExpressions"].items.allSatisfy { expression in
        let value = labels[expression["key"].text ?? ""]
        let values = expression["values"].texts
        return switch expression["operator"].text {
        case "In": value.map(values.contains) ?? false
        case "NotIn": !(value.map(values.contains) ?? false)
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        default: true
        }
      }
  }
}
