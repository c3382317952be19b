/// Finds the ledger's directory inside of a data directory.
package enum LedgerDirectory {
  /// The name of the directory that has the segments.
  package static let name = "ledger"

  /// The files of the ledger in a `--data` directory; where that has no ledger, those of the
  /// directory itself, which may be a copy of a ledger.
  package static func files(of path: String) -> DirectoryFiles {
    let inside = DirectoryFiles(path: path + "/" + name)
    if (try? inside.names()) != nil { return inside }
    return DirectoryFiles(path: path)
  }
}
