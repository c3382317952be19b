/// What a callback recorded about a call, to be acted on when nghttp2 has returned.
struct SessionEvent {
  /// What happened.
  enum Kind: UInt8 {
    /// A request's header block is complete. `offset` is the head's index in the session's `heads`.
    case request
    /// DATA has come. `offset` and `count` say where it lies in the bytes being received.
    case data
    /// END_STREAM has come.
    case remoteEnd
    /// The call's own output is over a limit.
    case overflow
    /// The stream is closed.
    case closed
    /// The drain's PING was answered. It is about the connection, so the slot is 0.
    case drainAcknowledged
  }

  let kind: Kind
  /// The call's place in the session's `calls`.
  let slot: Int32
  let offset: Int
  let count: Int

  init(_ kind: Kind, slot: Int32, offset: Int = 0, count: Int = 0) {
    self.kind = kind
    self.slot = slot
    self.offset = offset
    self.count = count
  }
}
