/// What a callback recorded about a call, to be acted on when nghttp2 has returned.
struct SessionEvent {
  enum Kind: UInt8 {
    /// `offset` is the head's index.
    case request
    /// `offset` and `count` lie in the bytes being received.
    case data
    case remoteEnd
    /// The call's own output is over a limit.
    case overflow
    case closed
    /// The drain's PING was answered; of the connection, slot 0.
    case drainAcknowledged
  }

  let kind: Kind
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
