/// The kustomizations of the given directories: which are deployments of their own.
struct Kustomizations {
  struct Entry {
    let directory: String
    /// Whether the command line names it.
    let isNamed: Bool
    /// The file's document; nil where it is broken, which kustomize then says.
    let root: Node?

    var isComponent: Bool {
      guard case .string("Component", _)? = root?.member("kind")?.value.kind else { return false }
      return true
    }

    /// Directories and files it is made of, as paths like `directory`.
    var parts: [String] {
      ["resources", "components", "bases", "patches", "patchesStrategicMerge"].flatMap { key in
        guard case .list(let items)? = root?.member(key)?.value.kind else { return [String]() }
        return items.compactMap { item in
          switch item.kind {
          case .string(let text, _): LintInputs.clean("\(directory)/\(text)")
          case .map:
            switch item.member("path")?.value.kind {
            case .string(let text, _)?: LintInputs.clean("\(directory)/\(text)")
            default: nil
            }
          case .null, .bool, .number, .list: nil
          }
        }
      }
    }
  }

  private let entries: [Entry]

  init(_ entries: [Entry]) { self.entries = entries }

  /// The directories to build: no components, and no parts of a kustomization above them. A base that
  /// overlays beside it build on is a deployment, too.
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

  /// The files and directories that a kustomization is made of, the nearest first.
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

/// Where the objects of built kustomizations are written: for a line beside a finding.
struct Origins {
  private let resources: [Resource]

  init(_ documents: [Document]) { self.init(documents.flatMap { Resource.all(in: $0) }) }

  private init(_ resources: [Resource]) { self.resources = resources }

  /// Those that are written in these files, in their order.
  func restricted(to files: [String]) -> Origins {
    Origins(files.flatMap { file in resources.filter { $0.root.source == file } })
  }

  /// What an object is made of. A file may leave the namespace to its kustomization; where several
  /// such files write the same name, those count beside which the namespace itself is written.
  private func resources(writing object: String) -> [Resource] {
    let own = resources.filter { $0.isWritten(as: object) }
    let named = own.filter { $0.root.object == object && $0.root["metadata"]["namespace"].exists }
    let open = own.filter { !$0.root["metadata"]["namespace"].exists }
    let namespace = object.drop { $0 != " " }.dropFirst().prefix { $0 != "/" }
    let homes = Set(
      open.map { Self.folder($0.root.source) }.filter { folder in
        resources.contains {
          $0.kind == "Namespace" && $0.name == namespace && Self.folder($0.root.source) == folder
        }
      })
    return named
      + (homes.isEmpty ? open : open.filter { homes.contains(Self.folder($0.root.source)) })
  }

  private static func folder(_ path: String) -> Substring {
    path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
  }

  /// The finding with the line at which its field is written, or else its object. Where several files
  /// have it (a patch and what it patches), the first that has the field.
  func placed(_ finding: Finding) -> Finding {
    let own = resources(writing: finding.place.object)
    var best: Place?
    for resource in own {
      let field = resource.root.at(finding.place.field)
      if field.exists {
        best = field.place
        break
      }
      if best == nil { best = field.place }
    }
    guard let best else { return finding }
    var finding = finding
    finding.place.source = best.source
    finding.place.line = best.line
    return finding
  }
}
