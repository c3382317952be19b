import Foundation

/// The files that the paths of a command line lead to.
struct LintInputs {
  enum Role {
    /// Standard input, or a file that belongs to no kustomization.
    case plain
    /// The file of a kustomization.
    case kustomization
    /// Another file in or below its directory, in which objects of its output are written.
    case origin
    /// What kustomize printed.
    case built
  }

  struct Text {
    /// The path; of what kustomize printed the directory.
    let name: String
    let bytes: [UInt8]
    var role = Role.plain
    /// Whether the command line names it (of a kustomization its directory).
    var isNamed = false
    /// What is in it, once it is read; or why it cannot be read.
    var documents: [Document] = []
    var problem: DocumentProblem?

    var isJSON: Bool {
      let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
      let isFile = [".yaml", ".yml"].contains(where: name.hasSuffix)
      return name.hasSuffix(".json") || !isFile && first == UInt8(ascii: "{")
    }
  }

  static let stdinName = "stdin"

  private var texts: [Text] = []
  private var bytesTotal = 0
  private var seen: Set<String> = []

  /// Reads all files that the paths name. `-` is standard input.
  static func gather(_ paths: [String]) throws(LintFault) -> [Text] {
    var inputs = LintInputs()
    for path in paths { try inputs.add(path) }
    return inputs.texts
  }

  private mutating func add(_ path: String) throws(LintFault) {
    switch (path, Self.isDirectory(path)) {
    case ("-", _): try keep(.standardInput, as: Self.stdinName, .plain, isNamed: true)
    case (_, true): try walk(Self.clean(path), depth: 0, isInside: false, isNamed: true)
    case (_, false): try read(path, .plain, isNamed: true)
    case (_, nil): throw .unreadable(path: path, "there is no such file or directory")
    }
  }

  /// Reads a directory's files, by name, and its subdirectories. `isInside`: they belong to a kustomization.
  private mutating func walk(
    _ directory: String, depth: Int, isInside: Bool, isNamed: Bool
  ) throws(LintFault) {
    let depthMax = DocumentLimits.directoryDepthMax
    if depth > depthMax {
      throw .tooLarge(directory, limit: depthMax, "levels (directoryDepthMax)")
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    } catch {
      throw .unreadable(path: directory, "the directory cannot be read")
    }
    let own = names.first {
      ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains($0)
    }
    if let own { try read("\(directory)/\(own)", .kustomization, isNamed: isNamed) }
    let isInside = isInside || own != nil
    for name in names where !name.hasPrefix(".") && name != own {
      let path = "\(directory)/\(name)"
      guard let isDirectory = Self.isDirectory(path) else { continue }
      if isDirectory {
        // Not followed: a link to a parent would never end.
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil { continue }
        try walk(path, depth: depth + 1, isInside: isInside, isNamed: false)
      } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) {
        try read(path, isInside ? .origin : .plain, isNamed: false)
      }
    }
  }

  private static func isDirectory(_ path: String) -> Bool? {
    var isDirectory = ObjCBool(false)
    // Foundation writes to a local variable during the call.
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return nil
    }
    return isDirectory.boolValue
  }

  /// Reads a file, if it has not been read before.
  private mutating func read(_ path: String, _ role: Role, isNamed: Bool) throws(LintFault) {
    guard seen.insert(Self.clean(path)).inserted else { return }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw .unreadable(path: path, "the file cannot be read")
    }
    try keep(file, as: path, role, isNamed: isNamed)
  }

  /// Reads and keeps a text, within the limits on each and on the whole input.
  private mutating func keep(
    _ file: FileHandle, as name: String, _ role: Role, isNamed: Bool
  ) throws(LintFault) {
    let limit = DocumentLimits.fileBytesMax
    var bytes: [UInt8] = []
    do {
      while let data = try file.read(upToCount: 1 << 16), !data.isEmpty {
        bytes += data
        if bytes.count > limit { break }
      }
    } catch {
      throw .unreadable(path: name, "it cannot be read")
    }
    if bytes.count > limit { throw .tooLarge(name, limit: limit, "bytes (fileBytesMax)") }
    texts.append(Text(name: name, bytes: bytes, role: role, isNamed: isNamed))
    bytesTotal += bytes.count
    let (bytesMax, filesMax) = (DocumentLimits.totalBytesMax, DocumentLimits.filesMax)
    if bytesTotal > bytesMax {
      throw .tooLarge("the input", limit: bytesMax, "bytes in all (totalBytesMax)")
    }
    if texts.count > filesMax { throw .tooLarge("the input", limit: filesMax, "files (filesMax)") }
  }

  static func folder(of path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
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
