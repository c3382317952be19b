/// The ledger inside a data directory.
package enum LedgerDirectory {
  /// Its name there.
  package static let name = "ledger"

  /// The ledger's files of a `--data` directory, or of the ledger's own directory (a copy).
  package static func files(of path: String) -> DirectoryFiles {
    let inside = DirectoryFiles(path: path + "/" + name)
    if (try? inside.names()) != nil { return inside }
    return DirectoryFiles(path: path)
  }
}
