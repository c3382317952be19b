/// This program's version, as `tollgate version`, the log and the ledger give it.
package enum Version {
  /// Semantic versioning.
  package static let string = "0.1.0"
}
