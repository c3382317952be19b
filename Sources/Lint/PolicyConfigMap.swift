import Policy

/// Reads the policy in a ConfigMap's keys, as Tollgate would read the directory that they are mounted as.
enum PolicyConfigMap {
  /// The policy and its problems; nil where it is invalid, or no key is `*.json5` or `policy*.json`.
  static func read(
    _ resource: Resource, nowSeconds: Int64
  ) -> (policy: PolicySnapshot?, findings: [Finding]) {
    let data = resource.root["data"].members
    guard data.contains(where: { isPolicyName($0.key) }) else { return (nil, []) }
    let files = data.filter { $0.key.hasSuffix(".json5") || $0.key.hasSuffix(".json") }
    let sources = files.map { key, value in
      PolicySource(name: key, bytes: Array((value.text ?? "").utf8))
    }
    let (policy, problems) = PolicyLoader.load(sources, nowSeconds: nowSeconds)
    let findings = problems.map { problem in
      let value = resource.root["data"][problem.file]
      var place = value.place
      var position = "line \(problem.line), column \(problem.column)"
      if value.isLiteral {
        place.line = (value.node?.line ?? value.line) + problem.line
        position = "column \(problem.column) of the text"
      }
      let path = problem.path.isEmpty ? "" : "\(problem.path): "
      return Finding(
        severity: problem.severity == .error ? .error : .warning, check: "policy", place: place,
        message: "\(path)\(problem.message) (\(position))",
        remedy: "try it with `tollgate check` before it is mounted")
    }
    return (policy, findings)
  }

  private static func isPolicyName(_ key: String) -> Bool {
    key.hasSuffix(".json5") || key.hasPrefix("policy") && key.hasSuffix(".json")
  }
}
