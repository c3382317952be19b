import Policy

/// Finds every field that a policy may have, by what the reader says about a field that it does not
/// know: it names those that it knows.
struct PolicyProbe {
  private static let unknown = "zzzzzzzzzzzzzzzz"

  /// A value at `place` as text, for the way down to it: `wrap` puts what is inside of it into a
  /// whole policy.
  private struct Place {
    let name: String
    let wrap: (String) -> String
  }

  /// Calls `visit` with each place that has fixed fields, as the reference writes it, and its fields.
  func walk(_ visit: (_ place: String, _ fields: [String]) -> Void) {
    var open = [Place(name: "") { "{ \($0) }" }]
    while let place = open.popLast() {
      guard let fields = fields(in: place) else { continue }
      visit(place.name, fields)
      for field in fields {
        let name = place.name.isEmpty ? field : "\(place.name).\(field)"
        open += [
          Place(name: name) { place.wrap("\(field): { \($0) }") },
          Place(name: name + "[]") { place.wrap("\(field): [{ \($0) }]") },
          Place(name: name + ".NAME") { place.wrap("\(field): { \"n\": { \($0) } }") },
        ]
      }
    }
  }

  /// The fields of the object at `place`; nil where there is none with fixed fields.
  private func fields(in place: Place) -> [String]? {
    let text = place.wrap("\(Self.unknown): 1")
    let (_, problems) = PolicyLoader.load(
      [PolicySource(name: "p.json5", bytes: Array(text.utf8))], nowSeconds: 0)
    for problem in problems
    where problem.message.hasPrefix("unknown field") && problem.message.contains(Self.unknown) {
      return Document.code(problem.message).filter { $0 != Self.unknown }
    }
    return nil
  }
}
