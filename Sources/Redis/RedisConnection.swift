import Bytes

/// One connection to a Redis server or a Sentinel, without its socket: bytes in, answers out, bytes
/// out. It says who we are, asks what the server is, and then sends calls without waiting for the
/// answers to those before; answers come in the order of the calls. A value; times are passed in.
package struct RedisConnection: Sendable {
  /// What the connection is for.
  package enum Purpose: Equatable, Sendable {
    case data(StoreAddress.Kind, database: Int)
    case sentinel
  }

  /// What has happened.
  package enum Event: Equatable, Sendable {
    /// Calls may be made from now on. Of a Sentinel nothing is known.
    case ready(RedisServer)
    /// The answer to a call, an error among them.
    case answered(UInt64, RESPValue)
    /// What the server says by itself.
    case pushed([RESPValue])
  }

  /// Why the connection is of no use any more.
  package enum Fault: Error, Equatable, Sendable {
    case protocolBroken(RESPParser.Fault)
    /// The server answered something that nobody had asked.
    case unasked
    /// The server refuses us; `step` says what was asked.
    case refused(step: String, RedisError)
    case unfit(RedisServer.Unfit)
    /// It waits for a password, and there is none.
    case passwordMissing
  }

  /// What is asked before the first call, and how far that is.
  enum Phase: Equatable {
    case greeting, examining, ready
    case broken(Fault)
  }

  /// What an answer that is waited for is of.
  enum Awaited {
    case hello(withPassword: Bool)
    case authentication
    case selection
    case information
    case configuration
    case asking
    case loading(name: String)
    case script(UInt64, RedisCall, isRepeated: Bool)
    case command(UInt64)
    /// SUBSCRIBE: answered by a push.
    case subscription
  }

  let purpose: Purpose
  let credentials: RedisCredentials?
  var phase = Phase.greeting
  package internal(set) var server = RedisServer()
  /// Whether version 3 of the protocol is spoken.
  package internal(set) var isVersion3 = false
  private var parser = RESPParser()
  var awaited = Awaiting()
  var events: [Event] = []
  private var output: [UInt8] = []
  /// What the server calls the scripts that it was given, by our names.
  var digests: [String: [UInt8]] = [:]

  /// A connection that was just made: its first bytes are in the output.
  package init(_ purpose: Purpose, credentials: RedisCredentials?, nowMs: Int64) {
    self.purpose = purpose
    self.credentials = credentials
    awaited.heardMs = nowMs
    // A Sentinel mostly wants no password although its master does: it is told where it asks for it.
    greet(withPassword: purpose != .sentinel && credentials != nil)
  }

  package var isReady: Bool { phase == .ready }

  /// How many answers to calls are waited for.
  package var callsUnderWay: Int { awaited.calls }

  /// Since when nothing was answered although something is asked; nil where nothing is.
  package var silentSinceMs: Int64? { awaited.isEmpty ? nil : awaited.heardMs }

  /// The calls that will not be answered any more, for when the connection is lost.
  package var unanswered: [UInt64] { awaited.callIDs }

  package var wantsWrite: Bool { !output.isEmpty }

  /// The bytes that are to be sent next.
  package mutating func takeOutput() -> [UInt8] {
    let taken = output
    output = []
    return taken
  }

  package mutating func takeEvents() -> [Event] {
    let taken = events
    events = []
    return taken
  }

  /// Calls a script; false where too much waits already, or the connection is not ready. `isAsking`:
  /// a cluster's server has named this one for it (ASK).
  package mutating func call(
    _ call: RedisCall, id: UInt64, isAsking: Bool = false, nowMs: Int64
  ) -> Bool {
    let script = call.script
    let digest = digests[script.name]
    let command = call.command(digest: digest)
    guard canTake(command) else { return false }
    if digest == nil, !awaited.isLoading(script.name) { load(script, nowMs) }
    if isAsking { send([Array("ASKING".utf8)], .asking, nowMs) }
    send(command, .script(id, call, isRepeated: digest == nil), nowMs)
    return true
  }

  private mutating func load(_ script: RedisScript, _ nowMs: Int64) {
    send(
      [Array("SCRIPT".utf8), Array("LOAD".utf8), script.source], .loading(name: script.name), nowMs)
  }

  /// Sends any other command, in the same way.
  package mutating func command(_ command: [[UInt8]], id: UInt64, nowMs: Int64) -> Bool {
    guard canTake(command) else { return false }
    send(command, .command(id), nowMs)
    return true
  }

  /// Has the server say by itself what is published in a channel: `Event.pushed`. Only in version 3,
  /// where other commands may still be sent.
  package mutating func subscribe(_ channel: String, nowMs: Int64) {
    guard isReady, isVersion3 else { return }
    send([Array("SUBSCRIBE".utf8), Array(channel.utf8)], .subscription, nowMs)
  }

  private func canTake(_ command: [[UInt8]]) -> Bool {
    isReady && awaited.calls < RedisLimits.callsMax
      && output.count + RESPWriter.bytesMax(command) <= RedisLimits.outputBytesMax
  }

  /// Bytes have come. Events that are there already stay, also where it throws.
  package mutating func received(_ bytes: Span<UInt8>, nowMs: Int64) throws(Fault) {
    if case .broken(let fault) = phase { throw fault }
    var offset = 0
    do throws(Fault) {
      while let value = try next(bytes, &offset) {
        awaited.heardMs = nowMs
        try take(value, nowMs)
      }
    } catch {
      phase = .broken(error)
      throw error
    }
  }

  private mutating func next(
    _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(Fault) -> RESPValue? {
    do throws(RESPParser.Fault) {
      return try parser.next(in: bytes, from: &offset)
    } catch {
      throw .protocolBroken(error)
    }
  }

  mutating func send(_ command: [[UInt8]], _ expected: Awaited, _ nowMs: Int64) {
    // Silence counts from the first question on.
    if awaited.isEmpty { awaited.heardMs = nowMs }
    RESPWriter.append(command, to: &output)
    awaited.append(expected)
  }
}

/// The answers that are waited for, in their order.
struct Awaiting {
  private var entries: [RedisConnection.Awaited] = []
  private var first = 0
  /// How many of them are of calls.
  private(set) var calls = 0
  /// When something was answered last, or asked for the first time since.
  var heardMs: Int64 = 0

  var isEmpty: Bool { first == entries.count }

  var callIDs: [UInt64] {
    entries[first...].compactMap { entry in
      switch entry {
      case .script(let id, _, _), .command(let id): id
      default: nil
      }
    }
  }

  var next: RedisConnection.Awaited? { isEmpty ? nil : entries[first] }

  /// Whether a script's source was sent and not yet answered.
  func isLoading(_ script: String) -> Bool {
    entries[first...].contains {
      if case .loading(script) = $0 { true } else { false }
    }
  }

  mutating func append(_ entry: RedisConnection.Awaited) {
    if Self.isCall(entry) { calls += 1 }
    entries.append(entry)
  }

  mutating func removeFirst() -> RedisConnection.Awaited? {
    guard first < entries.count else { return nil }
    let entry = entries[first]
    first += 1
    if Self.isCall(entry) { calls -= 1 }
    // What was answered is removed in large pieces: each costs as much as what is left.
    if first == entries.count || first >= 256 {
      entries.removeFirst(first)
      first = 0
    }
    return entry
  }

  private static func isCall(_ entry: RedisConnection.Awaited) -> Bool {
    switch entry {
    case .script, .command: true
    case .hello, .authentication, .selection, .information, .configuration, .asking, .loading,
      .subscription:
      false
    }
  }
}
