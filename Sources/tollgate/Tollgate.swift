import Foundation

@main
enum Tollgate {
  static func main() {
    let status = Commands.run(
      Array(CommandLine.arguments.dropFirst()), environment: ProcessInfo.processInfo.environment)
    exit(status)
  }
}
