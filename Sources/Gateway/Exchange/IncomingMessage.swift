import EnvoyAPI

/// The message of an ext_proc stream that is arriving, and what its work took.
struct IncomingMessage {
  /// Bytes that the assembler keeps and that are counted against the call's limit.
  var countedBytes = 0
  /// The size of a message that arrives in pieces: about that of the body in it.
  var size = 0
  /// Our work on the pieces so far.
  var nanoseconds: Int64 = 0
  /// What the last whole message was, until its time is measured.
  var phase: ProcessingPhase?
}
