import Policy
import Server

/// `tollgate prices FILE [MODEL…]`: prints the prices of a public price map as a policy states them.
enum PricesCommand {
  static let specification = CommandSpecification(
    "prices",
    "Prints models' prices for a policy, out of LiteLLM's price map (model_prices_and_context_window.json).",
    positionals: [.init("FILE"), .init("MODEL", isRequired: false, repeats: true)])

  /// How many models a line names.
  private static let namesMax = 8

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let path = arguments.positionals[0]
    let source: PolicySource
    do {
      source = try PolicyReader.readOne(path)
    } catch {
      Console.diagnose("tollgate: \(error)")
      return ExitStatus.failed
    }
    let (map, problems) = PriceMap.read(source)
    for problem in problems { Console.diagnose(problem.description) }
    guard let map else { return ExitStatus.failed }
    let fragment = map.fragment(of: Array(arguments.positionals.dropFirst()))
    for note in fragment.notes { Console.diagnose(line(note)) }
    guard fragment.count > 0 else {
      Console.diagnose("tollgate prices: \(path): no prices")
      return ExitStatus.failed
    }
    Console.result(fragment.text)
    return fragment.isComplete ? ExitStatus.done : ExitStatus.failed
  }

  private static func line(_ note: (text: String, models: [String])) -> String {
    var names = note.models.prefix(namesMax).map(UsageText.plain).joined(separator: ", ")
    if note.models.count > namesMax { names += " and \(note.models.count - namesMax) more" }
    return "\(names): \(note.text)"
  }
}
