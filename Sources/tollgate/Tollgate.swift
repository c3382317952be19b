import Foundation
import Server

@main
enum Tollgate {
  static func main() {
    if CommandLine.arguments.dropFirst().first == "serve" {
      CrashReport.leaveOutMemory(
        environment: ProcessInfo.processInfo.environment, arguments: CommandLine.arguments)
    }
    let status = Commands.run(
      Array(CommandLine.arguments.dropFirst()), environment: ProcessInfo.processInfo.environment)
    exit(status)
  }
}
