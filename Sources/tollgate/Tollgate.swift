import Foundation
import Server

/// The program: runs the command that the command line names.
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
