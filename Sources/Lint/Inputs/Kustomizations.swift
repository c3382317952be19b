/// The kustomizations that were found, and which of them to build.
struct Kustomizations {
  private struct Entry {
    let directory: String
    /// Whether the command line names it.
    let isNamed: Bool
    let isComponent: Bool
    /// The directories and files that it names, as paths like `directory`.
    let parts: [String]
  }

  private let entries: [Entry]

  /// Of a file that cannot be read, which kustomize will report, nothing is known.
  init(_ files: [LintInputs.Text]) {
    entries = files.map { file in
      let directory = LintInputs.folder(of: file.name)
      let root = file.documents.first.map { Field(document: $0, object: "") }
      let keys = ["resources", "components", "bases", "patches", "patchesStrategicMerge"]
      let parts = keys.flatMap { root?[$0].items ?? [] }.compactMap { $0.text ?? $0["path"].text }
      return Entry(
        directory: directory, isNamed: file.isNamed,
        isComponent: root?["kind"].text == "Component",
        parts: parts.map { LintInputs.clean("\(directory)/\($0)") })
    }
  }

  /// The directories to build: all that the command line names; of the others those that are no part of
  /// a kustomization in a directory above. A base is built although overlays beside it use it.
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

  /// The files and directories of which a kustomization is made, also through others; its own first.
  func reach(of directory: String) -> [String] {
    var reached = [directory]
    var index = 0
    while index < reached.count {
      let parts = entries.first { $0.directory == reached[index] }?.parts ?? []
      reached += parts.filter { !reached.contains($0) }
      index += 1
    }
    return reached
  }
}
