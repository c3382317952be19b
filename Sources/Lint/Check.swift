/// One kind of mistake, and how to find it.
package struct Check: Sendable {
  /// `retries-on-streams`: what `--ignore` and findings name it.
  package let name: String
  /// The severity of its findings, unless one says otherwise.
  package let severity: Finding.Severity
  /// What is wrong and what comes of it, in one line.
  package let summary: String
  /// What to do about it, unless a finding says otherwise.
  package let remedy: String
  private let run: @Sendable (LintContext, inout Findings) -> Void

  /// - Parameters:
  ///   - all: what the check looks at, such as `\.pods`, or the `\.whole` set.
  ///   - run: looks at one of them.
  init<Each>(
    _ name: String, _ severity: Finding.Severity,
    each all: any KeyPath<LintContext, [Each]> & Sendable,
    _ summary: String, remedy: String,
    _ run: @escaping @Sendable (Each, LintContext, inout Findings) -> Void
  ) {
    self.name = name
    self.severity = severity
    self.summary = summary
    self.remedy = remedy
    self.run = { context, report in
      for one in context[keyPath: all] { run(one, context, &report) }
    }
  }

  func findings(in context: LintContext) -> [Finding] {
    var findings = Findings(check: self)
    run(context, &findings)
    return findings.all
  }
}

/// What a check has found so far. A check calls it `report`: `report(field, "what is wrong here")`.
struct Findings {
  fileprivate let check: Check
  fileprivate(set) var all: [Finding] = []

  /// Adds a finding at a field; none where there is no field.
  mutating func callAsFunction(
    _ field: Field?, _ message: String, remedy: String? = nil, severity: Finding.Severity? = nil
  ) {
    guard let field else { return }
    all.append(
      Finding(
        severity: severity ?? check.severity, check: check.name, place: field.place,
        message: message, remedy: remedy ?? check.remedy))
  }

  /// Adds a finding about all of these, joined by commas; none where there are none.
  mutating func callAsFunction(_ field: Field?, all names: [String], _ message: (String) -> String)
  {
    if !names.isEmpty { self(field, message(names.joined(separator: ", "))) }
  }

  mutating func callAsFunction(_ remark: Remark) {
    self(remark.field, remark.message, remedy: remark.remedy)
  }

  mutating func callAsFunction(_ finding: Finding) { all.append(finding) }
}

/// What is wrong at a field, before a check has made a finding of it.
struct Remark: Sendable {
  let field: Field
  let message: String
  /// What to do about it; nil for the check's own remedy.
  let remedy: String?

  init(_ field: Field, _ message: String, remedy: String? = nil) {
    self.field = field
    self.message = message
    self.remedy = remedy
  }
}
