/// What is wrong with a command line. The description is what the user is shown.
package enum UsageProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownCommand(String, suggestion: String?)
  case unknownFlag(String, suggestion: String?)
  case valueMissing(Source)
  case valueEmpty(Source)
  case valueNotTaken(Source)
  case givenTwice(Source)
  case unexpectedArgument(String)
  case argumentMissing(String)
  case flagMissing(String, environment: String)
  /// The value is not what the flag expects.
  case invalid(Source, value: String, expected: String)
  /// The argument that names an action (`audit verify`) names none that there is.
  case unknownAction(String, expected: String)
  /// Two flags that exclude each other.
  case notTogether(Source, Source)
  /// The value is wrong, and is not shown, because it may hold a secret.
  case refused(Source, String)
  /// The flag belongs to another form of the command, such as `audit show`.
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
    case .unknownCommand(let name, let suggestion):
      "unknown command `\(name)`" + Self.suggest(suggestion)
    case .unknownFlag(let name, let suggestion):
      "unknown flag `\(name)`" + Self.suggest(suggestion)
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
    case .refused(let source, let why): "\(source): \(why)"
    case .flagOfOther(let source, let form): "\(source) goes with `\(form)`"
    }
  }

  private static func suggest(_ suggestion: String?) -> String {
    suggestion.map { "; did you mean `\($0)`?" } ?? ""
  }
}
