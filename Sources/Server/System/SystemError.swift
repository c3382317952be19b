import Glibc

/// A system call that failed: which one, and the errno it left.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The call's name, as in its manual page.
  package let call: String
  /// The errno.
  package let code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The errno in words, as strerror(3) has them.
  package var reason: String {
    // glibc's texts for known codes are constants; the text is copied at once.
    unsafe String(cString: strerror(code))
  }

  package var description: String { "\(call): \(reason)" }
}
