/// Why the input could not be read, so that nothing was checked.
package enum LintFault: Error, CustomStringConvertible {
  case unreadable(path: String, String)
  /// It has more of something than one of `DocumentLimits` allows: `bytes (fileBytesMax)`.
  case tooLarge(String, limit: Int, String)
  case noYAML(python: String, String)
  case noKustomize(directory: String)
  case toolFailed(String, String)

  /// The message for the command's user: what failed, and what to do where that is not obvious.
  package var description: String {
    switch self {
    case .unreadable(let path, let why): "\(path): \(why)"
    case .tooLarge(let what, let limit, let unit): "\(what): more than \(limit) \(unit)"
    case .noYAML(let python, let why):
      "YAML is read with \(python) and PyYAML: \(why); apt install python3-yaml, name another Python "
        + "with --python, or give JSON"
    case .noKustomize(let directory):
      "\(directory) has a kustomization, and neither kustomize nor kubectl is in PATH; install one, or "
        + "pipe its output: kustomize build \(directory) | tollgate lint -"
    case .toolFailed(let tool, let why): "\(tool): \(why)"
    }
  }
}
