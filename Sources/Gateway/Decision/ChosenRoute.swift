import Policy
import Terms

/// Where a request may go: the model it asked for, the route chosen for it, and what the backend is
/// to see in place of what the client wrote.
package struct ChosenRoute {
  /// nil on a path that is not inspected.
  package let model: Model?
  /// The model route's name, which Envoy maps to a cluster.
  package let name: HeaderText
  /// The name the backend is to see in the body, where it differs from the one that stands there.
  let rename: [UInt8]?
  /// Azure: the path with the name the backend is to see, where it differs.
  let path: [UInt8]?
  package let isStream: Bool
  /// The tokens of what the request continues, as far as they are known; nil where it continues nothing.
  let continuedTokens: Int64?

  init(
    model: Model?, name: HeaderText, rename: [UInt8]? = nil, path: [UInt8]? = nil,
    isStream: Bool = false, continuedTokens: Int64? = nil
  ) {
    self.model = model
    self.name = name
    self.rename = rename
    self.path = path
    self.isStream = isStream
    self.continuedTokens = continuedTokens
  }
}
