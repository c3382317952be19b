import Foundation

/// What the commands print: results on stdout, diagnostics on stderr.
enum Console {
  /// Prints a line of the result.
  static func result(_ text: String) {
    write(text, to: .standardOutput)
  }

  /// Prints a line about the result, or why there is none.
  static func diagnose(_ text: String) {
    write(text, to: .standardError)
  }

  private static func write(_ text: String, to file: FileHandle) {
    // It fails where nobody reads any more (a closed pipe), which is no fault of the command's.
    try? file.write(contentsOf: Data((text + "\n").utf8))
  }
}
