/// Reads command lines as their commands declare them. An unknown flag, a flag given twice and an
/// argument too many are problems.
package enum ArgumentParser {
  /// Reads `--flag value` and `--flag=value`; behind `--` everything is an argument. A flag that is
  /// not given is read from its environment variable.
  package static func parse(
    _ specification: CommandSpecification, arguments: [String], environment: [String: String]
  ) -> ParsedArguments {
    var reading = Reading(specification: specification)
    reading.read(arguments)
    let asksForHelp = reading.asksForHelp
    if !asksForHelp {
      reading.read(environment)
      reading.checkPositionals()
    }
    return ParsedArguments(
      specification: specification, positionals: reading.positionals, given: reading.given,
      asksForHelp: asksForHelp, problems: asksForHelp ? [] : reading.problems)
  }

  /// The command of that name; an unknown one throws, with the nearest name there is.
  package static func command(
    _ name: String, among commands: [CommandSpecification]
  ) throws(UsageProblem) -> CommandSpecification {
    guard let command = commands.first(where: { $0.name == name }) else {
      throw .unknownCommand(
        name, suggestion: NearestName.of(name, among: commands.map(\.name)))
    }
    return command
  }
}

/// One command line on its way to `ParsedArguments`.
private struct Reading {
  let specification: CommandSpecification
  var given: [String: ParsedArguments.Given] = [:]
  var positionals: [String] = []
  var problems: [UsageProblem] = []
  var asksForHelp = false

  init(specification: CommandSpecification) {
    self.specification = specification
  }

  /// Reads the arguments.
  mutating func read(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        positionals.append(contentsOf: rest)
        return
      }
      if argument == "--help" || argument == "-h" {
        asksForHelp = true
      } else if argument.hasPrefix("-"), argument != "-" {
        readFlag(argument, &rest)
      } else {
        positionals.append(argument)
      }
    }
  }

  private mutating func readFlag(_ argument: String, _ rest: inout ArraySlice<String>) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let attached = parts.count == 2 ? String(parts[1]) : nil
    let spelled = String(parts[0])
    guard spelled.hasPrefix("--"),
      let flag = specification.flags.first(where: { "--" + $0.name == spelled })
    else {
      let names = specification.flags.map { "--" + $0.name }
      problems.append(
        .unknownFlag(spelled, suggestion: NearestName.of(spelled, among: names)))
      return
    }
    let source = UsageProblem.Source.flag(flag.name)
    switch flag.kind {
    case .toggle:
      if attached != nil { return problems.append(.valueNotTaken(source)) }
      store(["true"], flag, source, repeats: false)
    case .value:
      guard let value = take(attached, &rest, source) else { return }
      store([value], flag, source, repeats: false)
    case .list(_, let splitsAtCommas):
      guard let value = take(attached, &rest, source) else { return }
      store(split(value, splitsAtCommas, source), flag, source, repeats: true)
    }
  }

  private mutating func take(
    _ attached: String?, _ rest: inout ArraySlice<String>, _ source: UsageProblem.Source
  ) -> String? {
    if let attached {
      if attached.isEmpty { problems.append(.valueEmpty(source)) }
      return attached.isEmpty ? nil : attached
    }
    // A value that begins with a dash must be given with `=`; `-` alone means standard input.
    guard let next = rest.first, next == "-" || !next.hasPrefix("-") else {
      problems.append(.valueMissing(source))
      return nil
    }
    rest.removeFirst()
    if next.isEmpty {
      problems.append(.valueEmpty(source))
      return nil
    }
    return next
  }

  private mutating func split(
    _ value: String, _ splitsAtCommas: Bool, _ source: UsageProblem.Source
  ) -> [String] {
    guard splitsAtCommas else { return [value] }
    let parts = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if parts.contains("") { problems.append(.valueEmpty(source)) }
    return parts.filter { !$0.isEmpty }
  }

  private mutating func store(
    _ values: [String], _ flag: Flag, _ source: UsageProblem.Source, repeats: Bool
  ) {
    if given[flag.name] == nil {
      given[flag.name] = ParsedArguments.Given(source: source, values: values)
    } else if repeats {
      given[flag.name]?.values.append(contentsOf: values)
    } else {
      problems.append(.givenTwice(source))
    }
  }

  /// Reads the flags that were not given from the environment.
  mutating func read(_ environment: [String: String]) {
    for flag in specification.flags where given[flag.name] == nil {
      // An empty variable counts as not set: shells and manifests unset one so.
      guard let text = environment[flag.environmentName], !text.isEmpty else { continue }
      let source = UsageProblem.Source.environment(flag.environmentName)
      switch flag.kind {
      case .toggle:
        readToggle(text, flag, source)
      case .value:
        store([text], flag, source, repeats: false)
      case .list(_, let splitsAtCommas):
        store(split(text, splitsAtCommas, source), flag, source, repeats: false)
      }
    }
  }

  private mutating func readToggle(_ text: String, _ flag: Flag, _ source: UsageProblem.Source) {
    switch text.lowercased() {
    case "1", "true", "yes", "on": store(["true"], flag, source, repeats: false)
    case "0", "false", "no", "off": break
    default: problems.append(.invalid(source, value: text, expected: "true or false"))
    }
  }

  /// Notes the arguments that are missing and those that are too many.
  mutating func checkPositionals() {
    let wanted = specification.positionals
    if wanted.last?.repeats != true {
      for extra in positionals.dropFirst(wanted.count) {
        problems.append(.unexpectedArgument(extra))
      }
    }
    for missing in wanted.dropFirst(positionals.count) where missing.isRequired {
      problems.append(.argumentMissing(missing.name))
    }
  }
}
