/// Kubernetes' label selectors.
enum Labels {
  /// Whether a selector (`matchLabels`, `matchExpressions`) selects these labels. An empty one selects
  /// all.
  static func select(_ selector: Field, _ labels: Field) -> Bool {
    select(selector) { labels[$0].text }
  }

  /// As above; `label` returns the value of a label, nil where there is none.
  static func select(_ selector: Field, _ label: (String) -> String?) -> Bool {
    let exact = selector["matchLabels"].members.allSatisfy { key, value in
      label(key) == value.text
    }
    return exact
      && selector["matchExpressions"].items.allSatisfy { expression in
        let value = label(expression["key"].text ?? "")
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
