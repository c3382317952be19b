import Bytes

/// The public price map of the LiteLLM project: a JSON object with an entry for each model, whose members
/// are dollars for a token, a picture, a second and so on. Read as strictly as a policy, because prices
/// that were misread become wrong invoices.
package struct PriceMap: Sendable {
  /// The largest file. The public map has two megabytes.
  package static let bytesMax = PolicyBounds.standard.sourceBytesMax
  /// Its entry that only describes the fields.
  private static let sample = "sample_spec"

  private let entries: [JSON5Member]

  /// The map in a file; nil where it cannot be used, and why.
  package static func read(_ source: PolicySource) -> (map: PriceMap?, problems: [PolicyProblem]) {
    let text = SourceText(name: source.name, bytes: source.bytes)
    func problem(_ offset: Int, _ message: String) -> PolicyProblem {
      let (line, column) = text.position(of: offset)
      return PolicyProblem(
        severity: .error, file: source.name, line: line, column: column, path: "",
        message: message)
    }
    guard source.bytes.count <= bytesMax else {
      return (nil, [problem(0, "the file has more than \(bytesMax) bytes")])
    }
    if let offset = text.firstInvalidUTF8 {
      return (nil, [problem(offset, "the file is not UTF-8 from here on")])
    }
    let (value, faults) = JSON5Reader.read(source.bytes)
    guard faults.isEmpty, let value else {
      let problems = faults.map { fault in
        let elsewhere = fault.elsewhere.map { text.position(of: $0) }
        let place = elsewhere.map { " line \($0.line), column \($0.column)" } ?? ""
        return problem(fault.offset, fault.message + place)
      }
      return (nil, problems)
    }
    guard case .object(let members) = value.kind else {
      return (
        nil,
        [problem(value.offset, "must be an object with an entry for each model, not \(value.noun)")]
      )
    }
    return (PriceMap(entries: members.filter { $0.key != sample }), [])
  }

  /// The prices of these models, in this order; of all that have any where none is named, sorted by
  /// name.
  package func fragment(of names: [String]) -> PriceFragment {
    var fragment = PriceFragment()
    let named = Dictionary(
      entries.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    guard names.isEmpty else {
      for name in names {
        if let entry = named[name] {
          fragment.add(name, entry, isNamed: true)
        } else {
          fragment.lacks(name, suggestion(for: name))
        }
      }
      return fragment
    }
    for (name, entry) in named.sorted(by: { $0.key < $1.key }) {
      fragment.add(name, entry, isNamed: false)
    }
    return fragment
  }

  /// The map names many models by provider too (`azure/gpt-4o`): those that end so, or the nearest.
  private func suggestion(for name: String) -> String {
    let ending = "/" + name.lowercased()
    let others = entries.lazy.map(\.key).filter { $0.lowercased().hasSuffix(ending) }.prefix(3)
    if !others.isEmpty {
      return "; there is " + others.map(quoted).joined(separator: ", ")
    }
    return Suggestion.text(for: name, among: entries.map(\.key))
  }
}
