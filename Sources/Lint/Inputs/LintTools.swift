import Bytes
import Foundation

/// Runs the programs that lint needs: Python, which reads YAML, and kustomize.
package struct LintTools {
  private let python: String
  private let path: String

  /// - Parameters:
  ///   - python: a Python 3 with PyYAML: its path, or a name that is looked up in `path`.
  ///   - path: the environment's `PATH`.
  package init(python: String, path: String) {
    self.python = python
    self.path = path
  }

  /// How long one run may take. It is long because a kustomization may fetch from the network.
  private static let secondsMax = 120.0
  /// The exit status of `yaml_trees.py` where PyYAML is missing.
  private static let noYAMLStatus: Int32 = 3

  /// The documents of each text, or why it cannot be read. JSON is read here; one run of Python reads all
  /// YAML.
  func documents(
    _ texts: [LintInputs.Text]
  ) throws(LintFault) -> [Result<[Node], DocumentProblem>] {
    var yaml = try readYAML(texts.filter { !$0.isJSON })[...]
    return texts.map { text in
      guard text.isJSON else { return yaml.removeFirst() }
      return Result { () throws(DocumentProblem) in [try Node(json: text.bytes)] }
    }
  }

  func readYAML(
    _ texts: [LintInputs.Text]
  ) throws(LintFault) -> [Result<[Node], DocumentProblem>] {
    if texts.isEmpty { return [] }
    guard let executable = find(python) else { throw .noPython(python) }
    var input: [UInt8] = []
    for text in texts { input += Array("\(text.bytes.count)\n".utf8) + text.bytes }
    // -I: Python runs no code from the current directory or the environment.
    let script = String(decoding: PackageResources.yaml_trees_py, as: UTF8.self)
    let limits = [DocumentLimits.nodesMax, DocumentLimits.depthMax].map(String.init)
    let result = try run(executable, ["-I", "-c", script] + limits, input: input)
    switch result.status {
    case 0: break
    case Self.noYAMLStatus: throw .noYAML(python)
    default: throw .toolFailed(python, result.lastError)
    }
    let read: [Result<[Node], DocumentProblem>]
    do throws(DocumentProblem) {
      read = try YAMLTree.read(result.output)
    } catch {
      throw .toolFailed(python, error.message)
    }
    guard read.count == texts.count else {
      throw .toolFailed(python, "printed \(read.count) of \(texts.count) results")
    }
    return read
  }

  /// The output of a kustomization.
  func build(_ directory: String) throws(LintFault) -> LintInputs.Text {
    let ways = [("kustomize", "build"), ("kubectl", "kustomize")].lazy
    let found = ways.compactMap { tool, verb in find(tool).map { ($0, tool, verb) } }.first
    guard let (executable, tool, verb) = found else { throw .noKustomize(directory: directory) }
    let result = try run(executable, [verb, directory], input: [])
    guard result.status == 0 else {
      throw .toolFailed("\(tool) \(verb) \(directory)", result.lastError)
    }
    return LintInputs.Text(name: directory, bytes: result.output)
  }

  private func find(_ name: String) -> String? {
    if name.contains("/") {
      return FileManager.default.isExecutableFile(atPath: name) ? name : nil
    }
    return path.split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private struct Run {
    let status: Int32
    let output: [UInt8]
    let error: String

    /// The last line of its error output, or the status where there is none.
    var lastError: String {
      error.split(separator: "\n").last.map(String.init) ?? "ended with status \(status)"
    }
  }

  private func run(
    _ executable: String, _ arguments: [String], input: [UInt8]
  ) throws(LintFault) -> Run {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stderr
    do {
      try process.run()
    } catch {
      throw .toolFailed(executable, "cannot be started")
    }
    // All three pipes are served at the same time: the program would stop at a full one.
    let group = DispatchGroup()
    // What another thread reads; looked at when that thread has ended.
    let errors = Locked(Data())
    DispatchQueue.global().async(group: group) {
      // A write fails where the program has ended; its own error output says why.
      try? stdin.fileHandleForWriting.write(contentsOf: Data(input))
      try? stdin.fileHandleForWriting.close()
    }
    DispatchQueue.global().async(group: group) {
      let text = (try? stderr.fileHandleForReading.readToEnd()) ?? Data()
      errors.withLock { $0 = text }
    }
    let isLate = Locked(false)
    let deadline = DispatchWorkItem {
      isLate.withLock { $0 = true }
      process.terminate()
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.secondsMax, execute: deadline)
    let output = (try? stdout.fileHandleForReading.readToEnd()) ?? Data()
    group.wait()
    process.waitUntilExit()
    deadline.cancel()
    if isLate.withLock({ $0 }) {
      throw .toolFailed(executable, "did not end in \(Int(Self.secondsMax)) s")
    }
    return Run(
      status: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: Array(output), error: errors.withLock { String(decoding: $0, as: UTF8.self) })
  }
}
