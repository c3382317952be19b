/// Why the input could not be read, so that nothing was checked.
package enum LintFault: Error, CustomStringConvertible {
  case unreadable(path: String, String)
  case tooLarge(path: String, limit: Int)
  case tooMuch(limit: Int)
  case tooManyFiles(limit: Int)
  case tooDeep(path: String)
  case noPython(String)
  case noYAML(String)
  case noKustomize(directory: String)
  case toolFailed(String, String)

  /// The message for the command's user: what failed, and what to do where that is not obvious.
  package var description: String {
    switch self {
    case .unreadable(let path, let why): "\(path): \(why)"
    case .tooLarge(let path, let limit): "\(path): has more than \(limit) bytes (fileBytesMax)"
    case .tooMuch(let limit): "the input has more than \(limit) bytes in all (totalBytesMax)"
    case .tooManyFiles(let limit): "there are more than \(limit) files (filesMax)"
    case .tooDeep(let path):
      "\(path): directories are nested deeper than \(DocumentLimits.directoryDepthMax) (directoryDepthMax)"
    case .noPython(let name):
      "YAML is read with \(name), which was not found; apt install python3-yaml, name another Python with "
        + "--python, or give JSON"
    case .noYAML(let name):
      "\(name) has no PyYAML, which is needed to read YAML; apt install python3-yaml, name another Python with "
        + "--python, or give JSON"
    case .noKustomize(let directory):
      "\(directory) has a kustomization, and neither kustomize nor kubectl is in PATH; install one, or "
        + "pipe its output: kustomize build \(directory) | tollgate lint -"
    case .toolFailed(let tool, let why): "\(tool): \(why)"
    }
  }
}
