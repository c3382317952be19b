/// The limits on what lint reads. Each is far above what a platform's manifests need.
enum DocumentLimits {
  static let fileBytesMax = 8 << 20
  static let totalBytesMax = 64 << 20
  static let filesMax = 4096
  /// Values in one file, with aliases expanded: a small file can expand to billions of them.
  static let nodesMax = 400_000
  /// Nested maps and lists in one document.
  static let depthMax = 100
  static let directoryDepthMax = 32
  /// Envoy configs that are texts in the objects of a set.
  static let embeddedMax = 64
  static let embeddedBytesMax = 16 << 20
}
