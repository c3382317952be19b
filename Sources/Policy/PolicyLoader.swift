import Bytes

/// Makes a policy from its files.
package enum PolicyLoader {
  /// What a policy's `version` must be.
  package static let version: Int64 = 1

  /// Parses, merges, validates and compiles a policy. `nowSeconds` (Unix time) is for the warnings about
  /// keys that expire. `policy` is nil exactly when one of the problems is an error.
  package static func load(
    _ sources: [PolicySource], nowSeconds: Int64
  ) -> (policy: PolicySnapshot?, problems: [PolicyProblem]) {
    load(sources, nowSeconds: nowSeconds, bounds: .standard)
  }

  static func load(
    _ sources: [PolicySource], nowSeconds: Int64, bounds: PolicyBounds
  ) -> (policy: PolicySnapshot?, problems: [PolicyProblem]) {
    // Sorted by name, because a directory may list its files in any order.
    let sources = sources.sorted { Array($0.name.utf8).lexicographicallyPrecedes($1.name.utf8) }
    if let problem = sizeProblem(sources, bounds) { return (nil, [problem]) }
    let log = ProblemLog(
      sources: sources.map { SourceText(name: $0.name, bytes: $0.bytes) }, bounds: bounds)
    guard let roots = roots(log, bounds) else { return (nil, log.problems) }
    let reading = PolicyReading(log: log, bounds: bounds, nowSeconds: nowSeconds)
    let draft = reading.draft(of: roots)
    let compiler = PolicyCompiler(draft: draft, log: log, bounds: bounds)
    compiler.crossCheck()
    guard log.errorCount == 0 else { return (nil, log.problems) }
    return (compiler.snapshot(revision: revision(of: sources)), log.problems)
  }

  /// The first 12 hex digits of SHA-256 over each file's name and bytes, both with their lengths before
  /// them. The name is without its directory, so that the revision is the same wherever the policy is
  /// mounted.
  private static func revision(of sources: [PolicySource]) -> String {
    var hash = SHA256()
    for source in sources {
      let name = source.name.split(separator: "/").last.map(String.init) ?? source.name
      for part in [Array(name.utf8), source.bytes] {
        let count = UInt64(part.count)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> UInt64(56 - 8 * $0)) }
        hash.update(length.span)
        hash.update(part.span)
      }
    }
    return String(hash.finalize().hex.prefix(12))
  }

  private static func sizeProblem(
    _ sources: [PolicySource], _ bounds: PolicyBounds
  ) -> PolicyProblem? {
    func problem(_ file: String, _ message: String) -> PolicyProblem {
      PolicyProblem(severity: .error, file: file, line: 1, column: 1, path: "", message: message)
    }
    guard let first = sources.first else {
      return problem(
        "policy", "there is no policy file; name a .json or .json5 file, or a directory of them")
    }
    if sources.count > bounds.sourcesMax {
      return problem(
        first.name,
        "there are \(sources.count) files; at most \(bounds.sourcesMax) are allowed (sourcesMax)")
    }
    for source in sources where source.bytes.count > bounds.sourceBytesMax {
      return problem(
        source.name,
        "the file has \(source.bytes.count) bytes; "
          + "at most \(bounds.sourceBytesMax) are allowed (sourceBytesMax)")
    }
    let total = sources.reduce(0) { $0 + $1.bytes.count }
    if total > bounds.totalBytesMax {
      return problem(
        first.name,
        "all files together have \(total) bytes; "
          + "at most \(bounds.totalBytesMax) are allowed (totalBytesMax)")
    }
    return nil
  }

  /// The top-level value of each file. Nil where a syntax error leaves it open what the rest of a file
  /// means: checking its values would report problems that are not there.
  private static func roots(_ log: ProblemLog, _ bounds: PolicyBounds) -> [Node]? {
    var roots: [Node] = []
    var isBroken = false
    for (index, source) in log.sources.enumerated() {
      if let offset = source.firstInvalidUTF8 {
        log.error(
          Place(source: index, offset: offset), .top,
          "the file is not UTF-8 from here on; save it as UTF-8")
        isBroken = true
        continue
      }
      let (value, faults) = JSON5Reader.read(source.bytes, bounds: bounds)
      for fault in faults {
        var message = fault.message
        if let elsewhere = fault.elsewhere {
          let (line, column) = source.position(of: elsewhere)
          message += " line \(line), column \(column)"
        }
        log.error(Place(source: index, offset: fault.offset), .top, message)
        isBroken = isBroken || fault.breaksStructure
      }
      if let value { roots.append(Node(value: value, source: index, path: .top)) }
    }
    return isBroken ? nil : roots
  }
}
