/// What Envoy would still take of header fields, and of the bytes of their names and values.
struct HeaderRoom {
  var fields: Int
  var bytes: Int

  /// Takes the room, if there is enough. Where there is not, nothing is left: what comes later matters
  /// less, and must not be there without what matters more.
  mutating func take(fields: Int = 1, bytes: Int) -> Bool {
    guard self.fields >= fields, self.bytes >= bytes else {
      self = HeaderRoom(fields: 0, bytes: 0)
      return false
    }
    self.fields -= fields
    self.bytes -= bytes
    return true
  }
}
