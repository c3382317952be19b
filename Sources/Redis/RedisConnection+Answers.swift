/// What follows from each answer.
extension RedisConnection {
  mutating func take(_ value: RESPValue, _ nowMs: Int64) throws(Fault) {
    if case .push(let elements) = value {
      if case .subscription? = awaited.next, elements.first?.text == "subscribe" {
        _ = awaited.removeFirst()
      } else {
        events.append(.pushed(elements))
      }
      return
    }
    guard let expected = awaited.removeFirst() else { throw .unasked }
    switch expected {
    case .hello(let withPassword): try greeted(value, withPassword, nowMs)
    case .authentication:
      if case .error(let error) = value { throw .refused(step: "AUTH", Self.withoutText(error)) }
      examine(nowMs)
    case .selection:
      if case .error(let error) = value { throw .refused(step: "SELECT", error) }
    case .information:
      if case .error(let error) = value, error.kind(askedOf: .unix(path: "")) == .notServing {
        throw .refused(step: "INFO", error)
      }
      if let text = value.text { server.take(info: text) }
    case .configuration:
      // Refused or unknown: `RedisServer.doubts` says what is not known because of that.
      if let elements = value.elements { server.take(configuration: elements) }
      try examined()
    // Where it fails, so does the call behind it. A subscription that is refused is asked for by
    // looking again and again (`RedisLimits.masterInterval`).
    case .asking, .subscription: break
    // Where it fails, each call brings the source.
    case .loading(let name): if case .string(let digest) = value { digests[name] = digest }
    case .script(let id, let call, let isRepeated): answered(id, call, isRepeated, value, nowMs)
    case .command(let id): events.append(.answered(id, value))
    }
  }

  private mutating func answered(
    _ id: UInt64, _ call: RedisCall, _ isRepeated: Bool, _ value: RESPValue, _ nowMs: Int64
  ) {
    guard case .error(let error) = value, error.word == "NOSCRIPT" else {
      events.append(.answered(id, value))
      return
    }
    guard !isRepeated else {
      events.append(.answered(id, value))
      return
    }
    // The server's scripts were removed: it was not run, and is sent once more with the source, which
    // the server keeps under the same digest again.
    send(call.command(digest: nil), .script(id, call, isRepeated: true), nowMs)
  }

  // MARK: Before the first call

  mutating func greet(withPassword: Bool, nowMs: Int64? = nil) {
    var command = [Array("HELLO".utf8), Array("3".utf8)]
    if withPassword, let credentials {
      command += [
        Array("AUTH".utf8), credentials.name ?? Array("default".utf8), credentials.password,
      ]
    }
    send(command, .hello(withPassword: withPassword), nowMs ?? awaited.heardMs)
  }

  private mutating func greeted(
    _ value: RESPValue, _ withPassword: Bool, _ nowMs: Int64
  ) throws(Fault) {
    guard case .error(let error) = value else {
      isVersion3 = true
      return examine(nowMs)
    }
    switch error.word {
    case "NOAUTH":
      guard credentials != nil else { throw .passwordMissing }
      guard !withPassword else { throw .refused(step: "HELLO", Self.withoutText(error)) }
      greet(withPassword: true, nowMs: nowMs)
    case "WRONGPASS", "LOADING", "MASTERDOWN":
      throw .refused(step: "HELLO", Self.withoutText(error))
    default:
      // The server knows only version 2, or forbids HELLO: what it would have said is asked singly.
      guard let credentials, withPassword else { return examine(nowMs) }
      let name = credentials.name.map { [$0] } ?? []
      send(
        [Array("AUTH".utf8)] + name + [credentials.password], .authentication, nowMs)
    }
  }

  /// Of an answer to a command that carried the password only the word is kept: servers repeat what
  /// they do not understand.
  private static func withoutText(_ error: RedisError) -> RedisError {
    RedisError(word: error.word.isEmpty ? "ERR" : error.word)
  }

  /// Asks what the server is, all at once.
  private mutating func examine(_ nowMs: Int64) {
    guard case .data(_, let database) = purpose else {
      phase = .ready
      events.append(.ready(server))
      return
    }
    phase = .examining
    if database != 0 {
      send([Array("SELECT".utf8), Array(String(database).utf8)], .selection, nowMs)
    }
    for section in ["server", "persistence", "replication", "memory"] {
      send([Array("INFO".utf8), Array(section.utf8)], .information, nowMs)
    }
    send(
      [Array("CONFIG".utf8), Array("GET".utf8), Array("min-*-to-write".utf8)], .configuration,
      nowMs)
  }

  private mutating func examined() throws(Fault) {
    guard case .data(let kind, _) = purpose else { return }
    if let unfit = server.unfit(in: kind) { throw .unfit(unfit) }
    phase = .ready
    events.append(.ready(server))
  }
}

extension RedisConnection.Fault: CustomStringConvertible {
  /// Completes "the server …".
  package var description: String {
    switch self {
    case .protocolBroken(let fault): "does not speak the Redis protocol (\(fault))"
    case .unasked: "answers what nobody asked"
    case .refused(let step, let error): "refuses \(step): \(error.description)\(remedy(error))"
    case .unfit(let unfit): unfit.description
    case .passwordMissing: "asks for a password: give one with --store-credentials"
    }
  }

  private func remedy(_ error: RedisError) -> String {
    switch error.word {
    case "WRONGPASS": "; look at the name and the password in --store-credentials"
    case "LOADING": "; it is reading its data"
    default: ""
    }
  }

  /// The error's word, for the counters.
  package var word: String {
    switch self {
    case .refused(_, let error): error.word
    case .passwordMissing: "NOAUTH"
    case .unfit(.replica): "READONLY"
    case .unfit(.loading): "LOADING"
    case .unfit: "UNFIT"
    case .protocolBroken, .unasked: "PROTOCOL"
    }
  }
}
