/// A command's arguments, as its declaration says. The getters convert values and note every
/// problem.
package struct ParsedArguments {
  /// A flag's values, and where they were given.
  struct Given {
    let source: UsageProblem.Source
    var values: [String]
  }

  /// The arguments that are not flags, in order.
  package let positionals: [String]
  /// Whether `--help` was given; then nothing else is read.
  package let asksForHelp: Bool
  /// What is wrong, in the order it was found. Complete once every value was asked for.
  private(set) package var problems: [UsageProblem]
  private let given: [String: Given]
  private let specification: CommandSpecification

  init(
    specification: CommandSpecification, positionals: [String], given: [String: Given],
    asksForHelp: Bool, problems: [UsageProblem]
  ) {
    self.specification = specification
    self.positionals = positionals
    self.given = given
    self.asksForHelp = asksForHelp
    self.problems = problems
  }

  /// Adds a problem that the command itself has found.
  package mutating func report(_ problem: UsageProblem) {
    problems.append(problem)
  }

  /// Whether the flag was given, or its environment variable is set.
  package func isGiven(_ name: String) -> Bool {
    look(up: name) != nil
  }

  /// Where the flag's value was given; nil where it was not.
  package func source(_ name: String) -> UsageProblem.Source? {
    look(up: name)?.source
  }

  /// Whether a toggle is on.
  package func toggle(_ name: String) -> Bool {
    look(up: name)?.values.last == "true"
  }

  /// The flag's value; nil where it was not given.
  package func text(_ name: String) -> String? {
    look(up: name)?.values.last
  }

  /// All of the flag's values; empty where it was not given.
  package func texts(_ name: String) -> [String] { look(up: name)?.values ?? [] }

  /// The value of a flag that must be given; where it was not, an empty text, and a problem.
  package mutating func requiredText(_ name: String) -> String {
    if let text = text(name) { return text }
    let environment = Flag(name, .toggle, "").environmentName
    report(.flagMissing(name, environment: environment))
    return ""
  }

  /// Each of the flag's values as `convert` reads it. One that it returns nil for is a problem that
  /// says what was `expected`.
  package mutating func values<Value>(
    _ name: String, expected: (String) -> String, _ convert: (String) -> Value?
  ) -> [Value] {
    guard let entry = look(up: name) else { return [] }
    var values: [Value] = []
    for text in entry.values {
      if let value = convert(text) {
        values.append(value)
      } else {
        report(.invalid(entry.source, value: text, expected: expected(text)))
      }
    }
    return values
  }

  /// The flag's value as `convert` reads it; `standard` where it was not given, or is wrong, which
  /// is a problem.
  package mutating func value<Value>(
    _ name: String, default standard: Value, expected: String, _ convert: (String) -> Value?
  ) -> Value {
    values(name, expected: { _ in expected }, convert).last ?? standard
  }

  /// The flag's value as `convert` reads it; nil where it was not given, or is wrong, which is a
  /// problem.
  package mutating func optionalValue<Value>(
    _ name: String, expected: String, _ convert: (String) -> Value?
  ) -> Value? {
    values(name, expected: { _ in expected }, convert).last
  }

  /// A whole number within `range`.
  package mutating func integer(
    _ name: String, default standard: Int, in range: ClosedRange<Int>
  ) -> Int {
    let expected = "a whole number of \(range.lowerBound) to \(range.upperBound)"
    return value(name, default: standard, expected: expected) { text in
      guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(text),
        range.contains(number)
      else { return nil }
      return number
    }
  }

  /// A size in bytes within `range`; see `ByteSizeText`.
  package mutating func byteSize(
    _ name: String, default standard: Int, in range: ClosedRange<Int>
  ) -> Int {
    let bounds = [range.lowerBound, range.upperBound].map(ByteSizeText.string)
    let example = range.contains(64 << 10) ? 64 << 10 : range.lowerBound
    let expected =
      "a size of \(bounds[0]) to \(bounds[1]), such as \(example) or \(ByteSizeText.string(example))"
    return value(name, default: standard, expected: expected) { text in
      ByteSizeText.parse(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// A duration within `range`; see `DurationText`.
  package mutating func duration(
    _ name: String, default standard: Duration, in range: ClosedRange<Duration>
  ) -> Duration {
    let bounds = [range.lowerBound, range.upperBound].map(DurationText.string)
    let examples = ["150s", "1h30m", "500ms"].filter {
      DurationText.parse($0).map(range.contains) ?? false
    }
    let expected =
      "a duration of \(bounds[0]) to \(bounds[1]), such as "
      + (examples.isEmpty ? bounds[1] : examples.prefix(2).joined(separator: " or "))
    return value(name, default: standard, expected: expected) { text in
      DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  private func look(up name: String) -> Given? {
    precondition(specification.flags.contains { $0.name == name }, "--\(name) is declared")
    return given[name]
  }
}
