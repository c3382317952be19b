import Foundation

/// The files that the paths of a command line lead to.
struct LintInputs {
  /// The text of a file, of standard input or of what kustomize printed.
  struct Text {
    let name: String
    let bytes: [UInt8]
    /// Whether the command line names it, and not only a directory that it is in.
    var isNamed = false

    var isJSON: Bool {
      let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
      let isFile = [".yaml", ".yml"].contains(where: name.hasSuffix)
      return name.hasSuffix(".json") || !isFile && first == UInt8(ascii: "{")
    }
  }

  static let stdinName = "stdin"
  static let kustomizationNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

  /// Files that belong to no kustomization.
  private(set) var plain: [Text] = []
  /// Standard input; nil where the command line does not name it.
  private(set) var stdin: Text?
  /// Directories with a kustomization, and the text of its file. `isNamed`: the command line names the
  /// directory, so it is built in any case.
  private(set) var kustomizations: [(directory: String, file: Text, isNamed: Bool)] = []
  /// The other files in or below the directories of kustomizations, in which the objects of their output
  /// are written.
  private(set) var origins: [Text] = []
  private var bytesTotal = 0
  private var filesTotal = 0
  private var seen: Set<String> = []

  /// Reads all files that the paths name. `-` is standard input.
  static func gather(_ paths: [String]) throws(LintFault) -> LintInputs {
    var inputs = LintInputs()
    for path in paths { try inputs.add(path) }
    return inputs
  }

  private mutating func add(_ path: String) throws(LintFault) {
    if path == "-" {
      let bytes = try Self.read(.standardInput, Self.stdinName)
      stdin = try counted(Text(name: Self.stdinName, bytes: bytes, isNamed: true))
      return
    }
    guard let isDirectory = Self.isDirectory(path) else {
      throw .unreadable(path: path, "there is no such file or directory")
    }
    if isDirectory {
      try walk(Self.clean(path), depth: 0, isInside: false, isNamed: true)
    } else if var text = try read(path) {
      text.isNamed = true
      plain.append(text)
    }
  }

  /// Reads a directory's files in the order of their names, and its subdirectories. `isInside`: it is
  /// below the directory of a kustomization, to which its files then belong.
  private mutating func walk(
    _ directory: String, depth: Int, isInside: Bool, isNamed: Bool
  ) throws(LintFault) {
    guard depth <= DocumentLimits.directoryDepthMax else { throw .tooDeep(path: directory) }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    } catch {
      throw .unreadable(path: directory, "the directory cannot be read")
    }
    let own = names.first { Self.kustomizationNames.contains($0) }
    if let own, let file = try read("\(directory)/\(own)") {
      kustomizations.append((directory, file, isNamed))
    }
    let isInside = isInside || own != nil
    for name in names where !name.hasPrefix(".") && name != own {
      let path = "\(directory)/\(name)"
      guard let isDirectory = Self.isDirectory(path) else { continue }
      if isDirectory {
        // Not followed: a link to a parent would never end.
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil { continue }
        try walk(path, depth: depth + 1, isInside: isInside, isNamed: false)
      } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix),
        let text = try read(path)
      {
        if isInside { origins.append(text) } else { plain.append(text) }
      }
    }
  }

  /// Nil where nothing has that path.
  private static func isDirectory(_ path: String) -> Bool? {
    var isDirectory = ObjCBool(false)
    // Foundation writes to a local variable during the call.
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return nil
    }
    return isDirectory.boolValue
  }

  /// Reads a file; nil where it has been read before.
  private mutating func read(_ path: String) throws(LintFault) -> Text? {
    guard seen.insert(Self.clean(path)).inserted else { return nil }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw .unreadable(path: path, "the file cannot be read")
    }
    return try counted(Text(name: path, bytes: try Self.read(file, path)))
  }

  private static func read(_ file: FileHandle, _ path: String) throws(LintFault) -> [UInt8] {
    let limit = DocumentLimits.fileBytesMax
    var bytes: [UInt8] = []
    do {
      while let data = try file.read(upToCount: 1 << 16), !data.isEmpty {
        bytes += data
        if bytes.count > limit { break }
      }
    } catch {
      throw .unreadable(path: path, "it cannot be read")
    }
    guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
    return bytes
  }

  /// Counts a text against the limits on the whole input.
  private mutating func counted(_ text: Text) throws(LintFault) -> Text {
    bytesTotal += text.bytes.count
    filesTotal += 1
    if bytesTotal > DocumentLimits.totalBytesMax {
      throw .tooMuch(limit: DocumentLimits.totalBytesMax)
    }
    if filesTotal > DocumentLimits.filesMax {
      throw .tooManyFiles(limit: DocumentLimits.filesMax)
    }
    return text
  }

  /// The path without `.`, `..` and repeated slashes. Only the text is looked at, links are not resolved.
  static func clean(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return path.hasPrefix("/") ? "/" + joined : joined.isEmpty ? "." : joined
  }
}
