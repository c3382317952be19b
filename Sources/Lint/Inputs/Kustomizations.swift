/// The kustomizations that were found, and which of them to build.
struct Kustomizations {
  struct Entry {
    let directory: String
    /// Whether the command line names it.
    let isNamed: Bool
    /// The document of its file; nil where that cannot be read, which kustomize will report.
    let root: Field?

    var isComponent: Bool { root?["kind"].text == "Component" }

    /// The directories and files that it names, as paths like `directory`.
    var parts: [String] {
      let keys = ["resources", "components", "bases", "patches", "patchesStrategicMerge"]
      return keys.flatMap { root?[$0].items ?? [] }.compactMap { $0.text ?? $0["path"].text }
        .map { LintInputs.clean("\(directory)/\($0)") }
    }
  }

  private let entries: [Entry]

  init(_ entries: [Entry]) { self.entries = entries }

  /// The directories to build: all that the command line names; of the others those that are neither a
  /// component nor a part of a kustomization in a directory above. So a base is built although overlays
  /// in directories beside it use it.
  var roots: [String] {
    entries.filter { entry in
      if entry.isComponent { return false }
      return entry.isNamed
        || !entries.contains { other in
          other.directory != entry.directory && entry.directory.hasPrefix(other.directory + "/")
            && other.parts.contains(entry.directory)
        }
    }.map(\.directory)
  }

  /// The files and directories of which a kustomization is made, directly or through others; its own
  /// first.
  func reach(of directory: String) -> [String] {
    var reached: [String] = []
    var next = [directory]
    while let part = next.first {
      next.removeFirst()
      if reached.contains(part) { continue }
      reached.append(part)
      next += entries.first { $0.directory == part }?.parts ?? []
    }
    return reached
  }
}
