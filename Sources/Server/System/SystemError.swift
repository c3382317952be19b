import Glibc

/// A system call that failed: which one, and the errno it left.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The call's name, as in its manual page.
  package let call: String
  /// The errno.
  package let code: Int32

  /// The failure of `call` with the errno `code`.
  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// The errno in words: strerror(3).
  package var reason: String {
    // glibc's texts for known codes are constants, and the text is copied here.
    unsafe String(cString: strerror(code))
  }

  /// `bind: Address already in use`.
  package var description: String { "\(call): \(reason)" }
}
