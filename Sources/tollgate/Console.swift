import Foundation

/// What a command's end means (design: 0 done, 1 failed or found problems, 2 wrong usage).
enum ExitStatus {
  static let done: Int32 = 0
  static let failed: Int32 = 1
  static let usage: Int32 = 2
}

/// Results go to stdout, everything about them to stderr.
enum Console {
  static func result(_ text: String) {
    write(text, to: .standardOutput)
  }

  static func diagnose(_ text: String) {
    write(text, to: .standardError)
  }

  private static func write(_ text: String, to file: FileHandle) {
    // A reader that has gone (a closed pipe) is no fault of the command's.
    try? file.write(contentsOf: Data((text + "\n").utf8))
  }
}
