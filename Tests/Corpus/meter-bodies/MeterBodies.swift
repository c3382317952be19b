import Glibc
import Inference
import Terms

/// For Tests/Corpus/run: meters recorded exchanges, or shows what the estimator learns.
///
/// `meter-bodies meter` reads frames from standard input: the format (`j` or `s`), the status (2
/// bytes), and the request's and the response's body, each after its length (4 bytes); it answers
/// each with a line of JSON. `meter-bodies estimate` reads lines of integers `model textBytes prompt
/// outputBytes completion reasoning` and answers each with what the estimator of that model said
/// before it learned them: `prompt output bound`.
@main struct MeterBodies {
  static func main() {
    switch CommandLine.arguments.dropFirst() {
    case ["meter"]: meter()
    case ["estimate"]: estimate()
    default:
      print("usage: meter-bodies meter|estimate")
      exit(2)
    }
  }

  private static func meter() {
    while let head = read(3) {
      guard let request = readBody(), let response = readBody() else { exit(2) }
      let exchange = Exchange(
        format: head[0] == UInt8(ascii: "j") ? .json : .eventStream,
        status: Int(head[1]) << 8 | Int(head[2]), request: request, response: response)
      print(exchange.line)
    }
  }

  private static func estimate() {
    var estimators: [Int: TokenEstimator] = [:]
    while let line = readLine() {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 6 else { exit(2) }
      var estimator = estimators[numbers[0]] ?? TokenEstimator()
      let prompt = estimator.promptTokens(textBytes: numbers[1])
      let output = estimator.outputTokens(bytes: numbers[3])
      print(prompt, output, estimator.outputBound(maximum: nil))
      var usage = MeteredUsage()
      usage.source = .reported
      usage.prompt = numbers[2]
      usage.outputBytes = numbers[3]
      usage.completion = numbers[4]
      usage.reasoning = numbers[5]
      estimator.learn(.init(textBytes: numbers[1], usage: usage))
      estimators[numbers[0]] = estimator
    }
  }

  private static func readBody() -> [UInt8]? {
    guard let length = read(4) else { return nil }
    return read(length.reduce(0) { $0 << 8 | Int($1) })
  }

  private static func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(0, buffer.baseAddress! + filled, count - filled)
      }
      guard got > 0 else { return nil }
      filled += got
    }
    return bytes
  }
}
