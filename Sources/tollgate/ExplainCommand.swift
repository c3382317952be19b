import Bytes
import Foundation
import Gateway
import Server

/// `tollgate explain`: shows how a policy decides one request, and why.
enum ExplainCommand {
  /// The largest body that is read.
  static let bodyBytesMax = 64 << 20

  static let specification = CommandSpecification(
    "explain", "Shows how a policy decides one request, step by step.",
    flags: [
      Flag("policy", .value("PATH"), "the policy: a JSON5 file, or a directory of them"),
      Flag("host", .value("HOST"), "the request's host"),
      Flag("path", .value("PATH"), "the request's path"),
      Flag(
        "method", .value("METHOD"), "the request's method",
        default: "POST with a body, GET without"),
      Flag("header", .list("'NAME: VALUE'", splitsAtCommas: false), "a header of the request"),
      Flag("body", .value("FILE"), "the request's body, - for standard input"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    let policyPath = arguments.requiredText("policy")
    let host = arguments.requiredText("host")
    let path = arguments.requiredText("path")
    let headers = arguments.values("header", expected: { _ in "`name: value`" }, parseHeader)
    let bodyFile = arguments.text("body")
    let method = arguments.text("method") ?? (bodyFile == nil ? "GET" : "POST")
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    var body: [UInt8]?
    if let bodyFile {
      do {
        body = try readBody(bodyFile)
      } catch {
        Console.diagnose("tollgate explain: \(bodyFile): \(error)")
        return ExitStatus.failed
      }
    }
    guard let policy = PolicyFile.load(policyPath) else { return ExitStatus.failed }
    let explanation = policy.explain(
      host: host, method: method, path: path, headers: headers, body: body,
      nowSeconds: SystemClock.wallNanoseconds() / 1_000_000_000)
    for line in lines(of: explanation) { Console.result(line) }
    return ExitStatus.done
  }

  /// The steps in two columns, then the verdict.
  static func lines(of explanation: Explanation) -> [String] {
    let width = explanation.steps.map(\.step.count).max() ?? 0
    let steps = explanation.steps.map { step in
      let padding = String(repeating: " ", count: width - step.step.count)
      return "\(step.step)\(padding)  \(step.outcome)"
    }
    return steps + ["verdict: \(explanation.status) \(explanation.verdict)"]
  }

  private static func parseHeader(_ text: String) -> (name: String, value: String)? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let name = text[..<colon].trimmingCharacters(in: .whitespaces).lowercased()
    let value = text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    return name.isEmpty ? nil : (name, value)
  }

  private enum BodyProblem: Error, CustomStringConvertible {
    case unreadable(String)
    case tooLarge

    var description: String {
      switch self {
      case .unreadable(let reason): reason
      case .tooLarge: "the body has more than \(bodyBytesMax) bytes"
      }
    }
  }

  private static func readBody(_ file: String) throws(BodyProblem) -> [UInt8] {
    let data: Data?
    do {
      let handle =
        file == "-"
        ? FileHandle.standardInput
        : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      data = try handle.read(upToCount: bodyBytesMax + 1)
    } catch {
      throw .unreadable("it cannot be read")
    }
    let bytes = Array(data ?? Data())
    if bytes.count > bodyBytesMax { throw .tooLarge }
    return bytes
  }
}
