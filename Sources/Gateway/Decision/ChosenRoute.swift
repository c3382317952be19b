import Inference
import Policy
import Terms

/// What bounds an answer: what the client stated, and what becomes of it in the body.
struct ChosenBound {
  /// In tokens, as the backend is to see it; nil where the client stated none.
  var stated: Int?
  /// The most tokens that a field asks for which does not bind here.
  var raised: Int?
  /// What lowers the bound in the body.
  var splices: [Splice] = []
  /// The field into which the reserved bound is written, where the client stated none.
  var written: BoundField?
}

/// Where a request may go: the model it asked for, the route chosen for it, and what the backend is
/// to see in place of what the client wrote. It goes from hand to hand and never changes.
package final class ChosenRoute {
  /// nil on a path that is not inspected.
  package let model: Model?
  /// The model route's name, which Envoy maps to a cluster.
  package let name: HeaderText
  /// The name the backend is to see in the body, where it differs from the one that stands there.
  let rename: [UInt8]?
  /// Azure: the path with the name the backend is to see, where it differs.
  let path: [UInt8]?
  package let isStream: Bool
  let bound: ChosenBound
  /// Whether the answer is made after the exchange has ended (`background`).
  let isBackground: Bool
  /// The tokens of what the request continues, as far as they are known; nil where it continues nothing.
  let continuedTokens: Int64?

  init(
    model: Model?, name: HeaderText, rename: [UInt8]? = nil, path: [UInt8]? = nil,
    isStream: Bool = false, bound: ChosenBound = ChosenBound(), isBackground: Bool = false,
    continuedTokens: Int64? = nil
  ) {
    self.model = model
    self.name = name
    self.rename = rename
    self.path = path
    self.isStream = isStream
    self.bound = bound
    self.isBackground = isBackground
    self.continuedTokens = continuedTokens
  }
}
