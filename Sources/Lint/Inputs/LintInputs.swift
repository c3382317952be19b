import Foundation

/// What the paths of a command line stand for.
package struct LintInputs {
  /// A text of manifests or an Envoy config.
  struct Text {
    let name: String
    let bytes: [UInt8]

    var isJSON: Bool {
      let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
      return name.hasSuffix(".json") || name == LintInputs.stdinName && first == UInt8(ascii: "{")
    }
  }

  static let stdinName = "stdin"
  static let kustomizationNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

  /// Plain files, those of directories without a kustomization among them.
  private(set) var plain: [Text] = []
  /// Standard input.
  private(set) var stdin: Text?
  /// Directories with a kustomization, and that file's text; those named on the command line are
  /// deployments in any case.
  private(set) var kustomizations: [(directory: String, file: Text, isNamed: Bool)] = []
  /// The other files beside or below kustomizations: where built objects come from.
  private(set) var origins: [Text] = []
  private var bytesTotal = 0
  private var filesTotal = 0
  private var seen: Set<String> = []

  package static func gather(_ paths: [String]) throws(LintFault) -> LintInputs {
    var inputs = LintInputs()
    for path in paths { try inputs.add(path) }
    return inputs
  }

  private mutating func add(_ path: String) throws(LintFault) {
    if path == "-" {
      let bytes = try Self.read(.standardInput, Self.stdinName)
      stdin = try counted(Text(name: Self.stdinName, bytes: bytes))
      return
    }
    guard let isDirectory = Self.isDirectory(path) else {
      throw .unreadable(path: path, "there is no such file or directory")
    }
    if isDirectory {
      try walk(Self.clean(path), depth: 0, isInside: false, isNamed: true)
    } else if let text = try read(path) {
      plain.append(text)
    }
  }

  /// A directory's files in the order of their names. What is at or below a kustomization is its own.
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
        // A link may lead back up.
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil { continue }
        try walk(path, depth: depth + 1, isInside: isInside, isNamed: false)
      } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix),
        let text = try read(path)
      {
        if isInside { origins.append(text) } else { plain.append(text) }
      }
    }
  }

  /// nil where there is nothing.
  private static func isDirectory(_ path: String) -> Bool? {
    var isDirectory = ObjCBool(false)
    // Foundation fills a local.
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return nil
    }
    return isDirectory.boolValue
  }

  /// nil where the file was read before.
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

  /// Without `.`, `..` and doubled slashes, as far as the text alone tells.
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
