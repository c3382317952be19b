/// What a command's exit status means.
enum ExitStatus {
  static let done: Int32 = 0
  /// It failed, or it found problems.
  static let failed: Int32 = 1
  /// The command line is wrong.
  static let usage: Int32 = 2
}
