import Foundation

/// `model-simulator --name NAME --listen HOST:PORT [--name …]…`: the model servers of the demo and
/// of the tests, in one process. Each pair of flags is one backend. When all of them listen, it
/// prints a line for each with its port. envoy/README.md lists what requests can ask of it.
@main
struct ModelSimulator {
  static func main() {
    Kernel.raiseFileLimit()
    do {
      let loop = SimulatorLoop()
      var lines = ""
      for (name, host, port) in try backends(CommandLine.arguments.dropFirst()) {
        let listener = try Kernel.listen(host: host, port: port)
        loop.add(listener: listener.socket, Backend(name: name))
        lines += "model-simulator: \(name) listens on \(host):\(listener.port)\n"
      }
      FileHandle.standardOutput.write(Data(lines.utf8))
      loop.run()
    } catch let error as UsageError {
      fail(error.description, code: 2)
    } catch {
      fail("\(error)", code: 1)
    }
  }

  private struct UsageError: Error, CustomStringConvertible {
    let problem: String
    var description: String {
      problem + "\nusage: model-simulator --name NAME --listen HOST:PORT [--name …]…"
    }
  }

  private static func backends(_ arguments: ArraySlice<String>) throws
    -> [(name: String, host: String, port: UInt16)]
  {
    var found: [(name: String, host: String, port: UInt16)] = []
    var name: String?
    var rest = arguments
    while let flag = rest.popFirst() {
      guard let value = rest.popFirst() else { throw UsageError(problem: "\(flag) has no value") }
      switch flag {
      case "--name": name = value
      case "--listen":
        let parts = value.split(separator: ":")
        guard let name, parts.count == 2, let port = UInt16(parts[1]) else {
          throw UsageError(problem: "--listen takes HOST:PORT, and its --name comes before it")
        }
        found.append((name, String(parts[0]), port))
      default: throw UsageError(problem: "unknown flag \(flag)")
      }
    }
    guard !found.isEmpty else { throw UsageError(problem: "no backend is given") }
    return found
  }

  private static func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("model-simulator: \(message)\n".utf8))
    exit(code)
  }
}
