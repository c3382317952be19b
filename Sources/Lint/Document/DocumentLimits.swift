/// What lint reads at most. Each is far above what a platform's manifests need.
package enum DocumentLimits {
  /// One file's, or one built kustomization's size.
  package static let fileBytesMax = 8 << 20
  /// All input together.
  package static let totalBytesMax = 64 << 20
  /// Files in the given directories together.
  package static let filesMax = 4096
  /// Values in one file, aliases expanded: no billion laughs.
  package static let nodesMax = 400_000
  /// Nesting of one document.
  package static let depthMax = 100
  /// Findings printed; the rest is counted.
  package static let findingsMax = 1000
  /// Directories below one another.
  package static let directoryDepthMax = 32
}
