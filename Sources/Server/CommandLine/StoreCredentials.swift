/// By what the store knows this process. Nothing writes the password anywhere: its description has
/// none, and neither has its mirror.
package struct StoreCredentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  /// Nil for Redis's user `default`.
  package let name: String?
  package let password: String

  /// The most bytes of name and password.
  package static let bytesMax = 4096

  /// Why a text is none; the description completes "it …", and repeats nothing of the text.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case tooLong
    case notText
    case passwordMissing

    package var description: String {
      switch self {
      case .empty: "is empty: NAME:PASSWORD or PASSWORD is expected"
      case .tooLong: "has more than \(StoreCredentials.bytesMax) bytes"
      case .notText: "is not one line of printable UTF-8: NAME:PASSWORD or PASSWORD is expected"
      case .passwordMissing: "has no password behind the colon"
      }
    }
  }

  /// Reads `NAME:PASSWORD` or `PASSWORD`, with or without a line break at the end. A password that
  /// holds a colon stands behind one: `:PASSWORD`, or with its name.
  package init(_ bytes: [UInt8]) throws(Problem) {
    var bytes = bytes[...]
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    if bytes.isEmpty { throw .empty }
    if bytes.count > Self.bytesMax { throw .tooLong }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }),
      let text = String(validating: bytes, as: UTF8.self)
    else { throw .notText }
    guard let colon = text.firstIndex(of: ":") else {
      name = nil
      password = text
      return
    }
    name = colon == text.startIndex ? nil : String(text[..<colon])
    password = String(text[text.index(after: colon)...])
    if password.isEmpty { throw .passwordMissing }
  }

  package var description: String { "credentials" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where the credentials for the store come from.
package enum StoreCredentialsSource: Sendable, Equatable {
  /// The store asks for none.
  case none
  /// A file. It is read at every connection, so that a new password needs no restart.
  case file(String)
  /// `TOLLGATE_STORE_CREDENTIALS`.
  case given(StoreCredentials)

  /// Why the file cannot be used.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case system(path: String, SystemError)
    case notRegular(path: String)
    case unfit(path: String, StoreCredentials.Problem)

    package var description: String {
      switch self {
      case .system(let path, let error): "\(path): \(error) (--store-credentials)"
      case .notRegular(let path): "\(path): not a regular file (--store-credentials)"
      case .unfit(let path, let problem): "\(path): it \(problem) (--store-credentials)"
      }
    }
  }

  /// The credentials as they are now; nil where there are none.
  package func read() throws(Problem) -> StoreCredentials? {
    switch self {
    case .none: return nil
    case .given(let credentials): return credentials
    case .file(let path):
      let bytes = try Self.bytes(path)
      do throws(StoreCredentials.Problem) {
        return try StoreCredentials(bytes)
      } catch {
        throw .unfit(path: path, error)
      }
    }
  }

  /// The file's bytes, or as many as show that it is too long.
  private static func bytes(_ path: String) throws(Problem) -> [UInt8] {
    // The line break, and one byte more.
    let most = StoreCredentials.bytesMax + 3
    var bytes: [UInt8] = []
    var isRegular = false
    do throws(SystemError) {
      let file = try Kernel.openToRead(path)
      isRegular = try Kernel.identity(of: file).isRegular
      var buffer = [UInt8](repeating: 0, count: most)
      while isRegular, bytes.count < most {
        let count = try Kernel.read(file, into: &buffer)
        if count == 0 { break }
        bytes.append(contentsOf: buffer[..<count])
      }
    } catch {
      throw .system(path: path, error)
    }
    guard isRegular else { throw .notRegular(path: path) }
    return bytes
  }
}
