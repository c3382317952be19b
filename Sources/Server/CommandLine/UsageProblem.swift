/// What is wrong with a command line, as data.
package enum UsageProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case commandMissing
  case unknownCommand(String, suggestion: String?)
  case unavailableCommand(String)
  case unknownFlag(String, suggestion: String?)
  case unavailableFlag(Source)
  case valueMissing(Source)
  case valueEmpty(Source)
  case valueNotTaken(Source)
  case givenTwice(Source)
  case unexpectedArgument(String)
  case argumentMissing(String)
  case flagMissing(String, environment: String)
  case invalid(Source, value: String, expected: String)
  /// A positional that names none of what there is.
  case unknownAction(String, expected: String)
  case notTogether(Source, Source)
  /// A flag of another form of the command.
  case flagOfOther(Source, form: String)

  /// Where a value was given.
  package enum Source: Equatable, Sendable, CustomStringConvertible {
    case flag(String)
    case environment(String)

    package var description: String {
      switch self {
      case .flag(let name): "--\(name)"
      case .environment(let name): name
      }
    }
  }

  package var description: String {
    switch self {
    case .commandMissing: "a command is missing"
    case .unknownCommand(let name, let suggestion):
      "unknown command `\(name)`" + Self.suggest(suggestion)
    case .unavailableCommand(let name): "`tollgate \(name)` is not available in this version"
    case .unknownFlag(let name, let suggestion):
      "unknown flag `\(name)`" + Self.suggest(suggestion)
    case .unavailableFlag(let source): "\(source) is not available in this version"
    case .valueMissing(let source): "\(source) needs a value"
    case .valueEmpty(let source): "\(source) has an empty value"
    case .valueNotTaken(let source): "\(source) takes no value"
    case .givenTwice(let source): "\(source) is given twice"
    case .unexpectedArgument(let text): "unexpected argument `\(text)`"
    case .argumentMissing(let name): "the argument \(name) is missing"
    case .flagMissing(let name, let environment): "--\(name) (or \(environment)) is missing"
    case .invalid(let source, let value, let expected):
      "\(source): `\(value)` is not \(expected)"
    case .unknownAction(let text, let expected): "`\(text)` is not \(expected)"
    case .notTogether(let one, let other):
      "\(one) and \(other) do not go together: give one of them"
    case .flagOfOther(let source, let form): "\(source) goes with `\(form)`"
    }
  }

  private static func suggest(_ suggestion: String?) -> String {
    suggestion.map { "; did you mean `\($0)`?" } ?? ""
  }
}
