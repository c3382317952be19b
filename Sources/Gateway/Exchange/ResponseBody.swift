import Inference
import Ledger
import Terms

/// The response in one ext_proc exchange: how it is metered, and what is kept of it.
struct ResponseBody {
  /// An answer's headers are answered at once. So long afterwards Envoy has that reply, and the client
  /// the headers.
  static let headersArriveMs: Int64 = 1_000

  /// nil where nothing is metered: no admission, an answer of Envoy's own.
  var meter: Box<ResponseMeter>?
  /// Finds the ids that the client is given; nil where none can be continued.
  var idReader: ResponseIDReader?
  /// Those that were found.
  var ids: Set<ResponseID> = []
  /// We asked for the usage chunk and the client did not: it is taken out.
  var removesUsageChunk = false
  /// When the headers of a backend's answer came; nil before.
  var beganMs: Int64?
  /// The upstream's address as Envoy names it.
  var backend: String?
  /// Why flow control dropped the request.
  var droppedReason: DroppedReason?
  /// The end was seen.
  var isWhole = false
  /// A message whose replacement must be known whole, and its bytes as counted against the call's
  /// limit.
  var gathered: [UInt8] = []
  var gatheredBytes = 0
  /// What was settled and has not been told in a reply's metadata.
  var unsaid: Reference<Completion>?
}
