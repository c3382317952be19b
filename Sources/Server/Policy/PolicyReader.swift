import Policy

/// Reads a policy's bytes: one file, or the `*.json` and `*.json5` files of a directory in the
/// order of their names. Hidden files are left out, symbolic links are followed, subdirectories are
/// not read.
///
/// Any thread.
package enum PolicyReader {
  /// The largest file.
  package static let fileBytesMax = 16 << 20
  /// The most bytes of all files together.
  package static let totalBytesMax = 64 << 20
  /// The most names in a policy directory.
  package static let filesMax = 4096
  /// How often the files are read at most, where they change while they are read.
  static let attemptsMax = 5

  /// Why a policy could not be read.
  package enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
    case system(path: String, SystemError)
    case notRegular(path: String)
    case fileTooLarge(path: String, limit: Int)
    case totalTooLarge(path: String, limit: Int)
    case tooManyFiles(path: String, limit: Int)
    case noFiles(path: String)
    case keepsChanging(path: String)

    package var description: String {
      switch self {
      case .system(let path, let error): "\(path): \(error)"
      case .notRegular(let path): "\(path): not a regular file"
      case .fileTooLarge(let path, let limit): "\(path): has more than \(limit) bytes"
      case .totalTooLarge(let path, let limit):
        "\(path): its policy files have more than \(limit) bytes together"
      case .tooManyFiles(let path, let limit): "\(path): has more than \(limit) files"
      case .noFiles(let path): "\(path): has no *.json or *.json5 file"
      case .keepsChanging(let path): "\(path): keeps changing while it is read"
      }
    }
  }

  /// The one file at `path`, whatever its name.
  package static func readOne(_ path: String) throws(Problem) -> PolicySource {
    PolicySource(name: path, bytes: try readFile(path))
  }

  /// The files at `path`, as they were at one time: where one changed while others were read, all
  /// of them are read again.
  package static func read(_ path: String) throws(Problem) -> [PolicySource] {
    for _ in 0..<attemptsMax {
      let files = try files(at: path)
      let before = try identities(of: files)
      var sources: [PolicySource] = []
      var total = 0
      for file in files {
        let bytes = try readFile(file)
        total += bytes.count
        if total > totalBytesMax { throw .totalTooLarge(path: path, limit: totalBytesMax) }
        sources.append(PolicySource(name: file, bytes: bytes))
      }
      if try self.files(at: path) == files, try identities(of: files) == before { return sources }
    }
    throw .keepsChanging(path: path)
  }

  /// The policy's files: `path` itself, or those in the directory.
  static func files(at path: String) throws(Problem) -> [String] {
    guard try identity(path).isDirectory else { return [path] }
    let names: [String]
    do {
      names = try Kernel.names(inDirectory: path, limit: filesMax)
    } catch {
      throw .system(path: path, error)
    }
    if names.count > filesMax { throw .tooManyFiles(path: path, limit: filesMax) }
    let prefix = path.hasSuffix("/") ? path : path + "/"
    var files: [String] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      guard !name.hasPrefix("."), name.hasSuffix(".json") || name.hasSuffix(".json5") else {
        continue
      }
      let file = prefix + name
      if try !identity(file).isDirectory { files.append(file) }
    }
    if files.isEmpty { throw .noFiles(path: path) }
    return files
  }

  private static func identities(of files: [String]) throws(Problem) -> [FileIdentity] {
    var identities: [FileIdentity] = []
    for file in files { identities.append(try identity(file)) }
    return identities
  }

  private static func identity(_ path: String) throws(Problem) -> FileIdentity {
    do {
      return try Kernel.identity(ofFile: path)
    } catch {
      throw .system(path: path, error)
    }
  }

  private static func readFile(_ path: String) throws(Problem) -> [UInt8] {
    do {
      let file = try Kernel.openToRead(path)
      let identity = try Kernel.identity(of: file)
      guard identity.isRegular else { throw Problem.notRegular(path: path) }
      guard identity.sizeBytes <= fileBytesMax else {
        throw Problem.fileTooLarge(path: path, limit: fileBytesMax)
      }
      var bytes: [UInt8] = []
      // One byte more than the file's size, so that one more read sees the end.
      var buffer = [UInt8](repeating: 0, count: identity.sizeBytes + 1)
      while true {
        let count = try Kernel.read(file, into: &buffer)
        if count == 0 { return bytes }
        bytes.append(contentsOf: buffer[..<count])
        if bytes.count > fileBytesMax {
          throw Problem.fileTooLarge(path: path, limit: fileBytesMax)
        }
      }
    } catch let error as SystemError {
      throw .system(path: path, error)
    } catch let problem as Problem {
      throw problem
    } catch {
      preconditionFailure("reading fails in two ways")
    }
  }
}
