/// An address `HOST:PORT`, as Tollgate's flags take it.
struct TCPAddress: Equatable, Sendable {
  let host: String
  let port: Int64

  /// Nil for the path of a socket, and for any other text.
  init?(_ text: String) {
    guard !text.hasPrefix("unix:"), let colon = text.lastIndex(of: ":"),
      let port = Int64(text[text.index(after: colon)...])
    else { return nil }
    host = String(text[..<colon])
    self.port = port
  }

  var isLoopback: Bool { host == "localhost" || host.hasPrefix("127.") || host == "[::1]" }
}
