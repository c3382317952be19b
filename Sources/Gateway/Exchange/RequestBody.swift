/// The request's body in one ext_proc exchange: how it is inspected, and what is kept of it.
struct RequestBody {
  /// What the headers said of how to read it; nil on a path that is not inspected.
  var inspection: HeadDecision.Inspection?
  var reader: Box<BodyReader>?
  /// Full duplex: what the reply to the headers, which is sent after the body, takes out.
  var removals: [UInt8] = []
  /// Whether it may have to be sent back with another model; nil until the model is read.
  var mayRename: Bool?
  /// Bytes that are kept and counted against the call's limit.
  var keptBytes = 0
}
