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

  /// The texts with their documents. JSON is read here; one run of Python reads all YAML.
  func read(_ texts: [LintInputs.Text]) throws(LintFault) -> [LintInputs.Text] {
    var yaml = try trees(texts.filter { !$0.isJSON })[...]
    return texts.map { text in
      var text = text
      do throws(DocumentProblem) {
        let roots = try text.isJSON ? [Node(json: text.bytes)] : yaml.removeFirst().get()
        text.documents = roots.map {
          Document(source: text.name, hasLines: text.role != .built, root: $0)
        }
      } catch {
        text.problem = error
      }
      return text
    }
  }

  private func trees(
    _ texts: [LintInputs.Text]
  ) throws(LintFault) -> [Result<[Node], DocumentProblem>] {
    if texts.isEmpty { return [] }
    let fault = { (why: String) in LintFault.noYAML(python: python, why) }
    guard let executable = find(python) else { throw fault("it was not found") }
    var input: [UInt8] = []
    for text in texts { input += Array("\(text.bytes.count)\n".utf8) + text.bytes }
    // -I: Python runs no code from the current directory or the environment.
    let script = String(decoding: PackageResources.yaml_trees_py, as: UTF8.self)
    let limits = [DocumentLimits.nodesMax, DocumentLimits.depthMax].map(String.init)
    let printed = try run(executable, ["-I", "-c", script] + limits, input: input, fault)
    guard let read = try? YAMLTree.read(printed), read.count == texts.count else {
      throw fault("it printed something else")
    }
    return read
  }

  func build(_ directory: String) throws(LintFault) -> LintInputs.Text {
    for (tool, verb) in [("kustomize", "build"), ("kubectl", "kustomize")] {
      guard let executable = find(tool) else { continue }
      let printed = try run(executable, [verb, directory], input: []) { why in
        .toolFailed("\(tool) \(verb) \(directory)", why)
      }
      return LintInputs.Text(name: directory, bytes: printed, role: .built)
    }
    throw .noKustomize(directory: directory)
  }

  private func find(_ name: String) -> String? {
    let places = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    return places.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// What a program prints. `fault`: what to throw where it does not end with status 0.
  private func run(
    _ executable: String, _ arguments: [String], input: [UInt8], _ fault: (String) -> LintFault
  ) throws(LintFault) -> [UInt8] {
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
      throw fault("it cannot be started")
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
    if isLate.withLock({ $0 }) { throw fault("it did not end in \(Int(Self.secondsMax)) s") }
    if process.terminationReason != .exit || process.terminationStatus != 0 {
      let lines = String(decoding: errors.withLock { $0 }, as: UTF8.self).split(separator: "\n")
      let status = "it ended with status \(process.terminationStatus)"
      throw fault(lines.last.map(String.init) ?? status)
    }
    return Array(output)
  }
}
