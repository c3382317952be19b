import Books
import Ledger
import Log
import Shipping
import Terms
import Transport

/// The settings of `tollgate serve`: its flags' declarations, and their values, checked once.
package struct ServeSettings: Sendable {
  /// `--policy`: a file or a directory.
  package var policyPath = ""
  /// `--watch`: the policy is read again when its files change.
  package var watches = false
  package var logLevel = LogLevel.info
  package var logFormat = LogFormat.text
  /// What the gRPC server is told.
  package var server = ServerConfiguration()
  /// `--admin`: where the operators' page is; nil for none.
  package var admin: ListenAddress? = .tcp(host: "127.0.0.1", port: 9090)
  /// `--metrics`: another address, for probes and Prometheus only; nil for none.
  package var metrics: ListenAddress?
  /// Where and how the ledger is kept.
  package var books = Books.Settings(directory: "tollgate-data", ledger: LedgerSettings())

  /// `--ship`: where the ledger's records are sent.
  package var ship: [ShipTarget] = []

  /// `--store` and what goes with it; nil where the limits are this process's alone.
  package var store: StoreSettings?

  /// The declaration of `serve`.
  package static let specification = CommandSpecification(
    "serve", "Serves ext_proc, ext_authz and health over gRPC.",
    flags: listenFlags + adminFlags + ledgerFlags + StoreSettings.flags + limitFlags)

  private static let listenFlags: [Flag] = [
    Flag("policy", .value("PATH"), "the policy: a JSON5 file, or a directory of them"),
    Flag(
      "watch", .toggle, "read the policy again when its files change (SIGHUP always does that)"),
    Flag(
      "listen", .list("ADDR", splitsAtCommas: true),
      "where to listen: unix:/path or host:port", default: "127.0.0.1:9002"),
    Flag(
      "allow-plaintext-network", .toggle,
      "listen on addresses that others can reach, and reach --store over a network; there is no TLS"
        + " here"),
    Flag("workers", .value("N"), "number of worker threads", default: "one for each processor"),
    Flag(
      "drain-timeout", .value("DURATION"), "how long streams may take to finish after SIGTERM",
      default: "150s"),
    Flag("log-level", .value("LEVEL"), "debug, info, warning or error", default: "info"),
    Flag("log-format", .value("FORMAT"), "text or json", default: "text"),
  ]

  private static let adminFlags: [Flag] = [
    Flag(
      "admin", .value("ADDR"),
      "the page for operators, and all that --metrics has: a loopback address or unix:/path; or off",
      default: "127.0.0.1:9090"),
    Flag(
      "metrics", .value("ADDR"),
      "where probes and Prometheus ask, on any address: /metrics, /healthz and /readyz alone"),
  ]

  private static let ledgerFlags: [Flag] = [
    Flag(
      "data", .value("DIR"), "where the ledger is; one process at a time",
      default: "tollgate-data"),
    Flag(
      "durability", .value("MODE"),
      "durable: a request is admitted when its record is on disk; relaxed: records are flushed"
        + " each second", default: "durable"),
    Flag("retain", .value("DURATION"), "how long ledger segments are kept", default: "30d"),
    Flag(
      "ledger-max-bytes", .value("SIZE"),
      "how large all ledger segments together may grow: bytes, a percentage of what they have and what is"
        + " free on their disk at the start, or none",
      default: "\(LedgerSettings.percentMaxDefault)%"),
    Flag(
      "ledger-full", .value("WAY"),
      "at that size, where neither age nor shipping lets a segment go: refuse, or recycle the oldest",
      default: "refuse"),
    Flag(
      "ship", .list("TARGET", splitsAtCommas: true),
      "where records are sent too: otlp://HOST:PORT, otlp+unix:/PATH, tcp://HOST:PORT or stdout, with"
        + " ?on_full=drop, batch=N, bytes=SIZE, age=DURATION, timeout=DURATION", default: "nowhere"
    ),
    Flag(
      "repair-ledger", .toggle, "begin a new hash chain after a damaged one; the old files are kept"
    ),
  ]

  private static let limitFlags: [Flag] = {
    let transport = TransportLimits()
    let loop = LoopLimits()
    func size(_ name: String, _ help: String, _ bytes: Int) -> Flag {
      Flag(name, .value("SIZE"), help, default: ByteSizeText.string(bytes))
    }
    func number(_ name: String, _ help: String, _ count: Int) -> Flag {
      Flag(name, .value("N"), help, default: "\(count)")
    }
    func duration(_ name: String, _ help: String, _ duration: Duration) -> Flag {
      Flag(name, .value("DURATION"), help, default: DurationText.string(duration))
    }
    return [
      number(
        "max-connections", "the most connections at once", ServerConfiguration.connectionsMaxDefault
      ),
      number(
        "max-streams", "the most streams at once on a connection", transport.concurrentStreamsMax),
      size("max-message-bytes", "the largest gRPC message", transport.messageBytesMax),
      size(
        "max-header-bytes", "the largest header list of a request", transport.headerListBytesMax),
      number("max-headers", "the most header fields of a request", transport.headerCountMax),
      size(
        "max-stream-buffer-bytes", "the most that is buffered for a stream",
        transport.streamBufferBytesMax),
      size(
        "max-connection-buffer-bytes", "the most that is buffered for a connection",
        transport.connectionBufferBytesMax),
      size(
        "max-buffer-bytes", "the most that is buffered by the whole process",
        transport.processBufferBytesMax),
      duration(
        "handshake-timeout", "how long a client's preface may take", transport.handshakeTimeout),
      duration(
        "first-message-timeout", "how long a call may take to its first message",
        transport.firstMessageTimeout),
      duration("idle-timeout", "how long a connection may have no stream", transport.idleTimeout),
      duration("write-timeout", "how long a peer may read nothing", loop.writeStallTimeout),
    ]
  }()

  /// Reads every flag; what is wrong is in `arguments.problems` afterwards.
  package init(_ arguments: inout ParsedArguments) {
    policyPath = arguments.requiredText("policy")
    watches = arguments.toggle("watch")
    logLevel = arguments.value(
      "log-level", default: .info, expected: "debug, info, warning or error",
      LogLevel.init(rawValue:))
    logFormat = arguments.value(
      "log-format", default: .text, expected: "text or json", LogFormat.init(rawValue:))
    server.allowPlaintextNetwork = arguments.toggle("allow-plaintext-network")
    readAddresses(&arguments)
    readAdmin(&arguments)
    server.workers = arguments.integer("workers", default: server.workers, in: 1...1024)
    server.drainTimeout = arguments.duration(
      "drain-timeout", default: server.drainTimeout, in: .zero ... .seconds(86_400))
    server.connectionsMax = arguments.integer(
      "max-connections", default: server.connectionsMax, in: 1...1_000_000)
    readLedger(&arguments)
    readShip(&arguments)
    store = StoreSettings.read(&arguments, allowsNetwork: server.allowPlaintextNetwork)
    readTransport(&arguments)
    server.loop.writeStallTimeout = arguments.duration(
      "write-timeout", default: server.loop.writeStallTimeout, in: .seconds(1) ... .seconds(3600))
    // One timeout for both: a socket that takes nothing, and a stream whose window stays closed.
    if arguments.isGiven("write-timeout") {
      server.transport.writeStallTimeout = server.loop.writeStallTimeout
    }
  }

  /// What `--admin` and `--metrics` expect, where they refuse `text`.
  private static func expectedAddress(_ text: String) -> String {
    do throws(ListenAddress.Problem) {
      let address = try ListenAddress(text)
      return "an address that only this machine reaches: give --metrics \(address) for probes and"
        + " Prometheus; the page stays on loopback or a socket"
    } catch {
      return "an address: it \(error)"
    }
  }

  private mutating func readAdmin(_ arguments: inout ParsedArguments) {
    if arguments.text("admin") == "off" {
      admin = nil
    } else {
      let given = arguments.values("admin", expected: Self.expectedAddress) { text in
        (try? ListenAddress(text)).flatMap { $0.isLocal ? $0 : nil }
      }
      admin = given.last ?? admin
    }
    let metrics = arguments.values("metrics", expected: Self.expectedAddress) {
      try? ListenAddress($0)
    }
    self.metrics = metrics.last
  }

  private mutating func readAddresses(_ arguments: inout ParsedArguments) {
    let allowsNetwork = server.allowPlaintextNetwork
    func expected(_ text: String) -> String {
      guard (try? ListenAddress(text)) != nil else { return Self.expectedAddress(text) }
      return "an address that only this machine reaches, and there is no TLS here: use a Unix"
        + " socket or a loopback address, or give --allow-plaintext-network"
    }
    // Every address is checked before one is opened.
    let addresses = arguments.values("listen", expected: expected) { text in
      (try? ListenAddress(text)).flatMap { $0.isLocal || allowsNetwork ? $0 : nil }
    }
    if !addresses.isEmpty { server.listen = addresses }
    let source = UsageProblem.Source.flag("listen")
    var seen: Set<ListenAddress> = []
    for address in addresses where !seen.insert(address).inserted {
      // Port 0 is a different port each time.
      if case .tcp(_, port: 0) = address { continue }
      arguments.report(
        .invalid(source, value: address.description, expected: "given once: it is repeated"))
    }
  }

  private mutating func readLedger(_ arguments: inout ParsedArguments) {
    books.directory = arguments.text("data") ?? books.directory
    books.repairs = arguments.toggle("repair-ledger")
    books.ledger.durability = arguments.value(
      "durability", default: .durable, expected: "durable or relaxed",
      Durability.init(rawValue:))
    books.ledger.retain = arguments.duration(
      "retain", default: books.ledger.retain,
      in: LedgerSettings.retainLeast ... .seconds(100 * 365 * 86_400))
    books.ledger.whenFull = arguments.value(
      "ledger-full", default: .refuse, expected: "refuse or recycle", WhenFull.init(rawValue:))
    switch arguments.text("ledger-max-bytes") {
    case "none": break
    case nil: books.ledger.ledgerPercentMax = LedgerSettings.percentMaxDefault
    case .some(let text) where text.hasSuffix("%"):
      let percent = arguments.value(
        "ledger-max-bytes", default: 0, expected: "a size, `none`, or 1% to 95%"
      ) { Int64($0.dropLast()).flatMap { (1...95).contains($0) ? $0 : nil } }
      books.ledger.ledgerPercentMax = percent
    case .some:
      books.ledger.ledgerBytesMax = Int64(
        arguments.byteSize(
          "ledger-max-bytes", default: 1 << 30, in: LedgerSettings.ledgerBytesMaxLeast...(1 << 50)))
    }
  }

  private mutating func readShip(_ arguments: inout ParsedArguments) {
    func expected(_ text: String) -> String {
      do throws(ShipTarget.Problem) {
        _ = try ShipTarget(text)
        return "a target"
      } catch {
        return "a target: it \(error)"
      }
    }
    ship = arguments.values("ship", expected: expected) { try? ShipTarget($0) }
    let source = UsageProblem.Source.flag("ship")
    var seen: Set<ShipTarget.Place> = []
    for target in ship where !seen.insert(target.place).inserted {
      arguments.report(
        .invalid(source, value: target.description, expected: "given once: it is repeated"))
    }
    if ship.count > ShippingLimits.targetsMax {
      arguments.report(
        .invalid(
          source, value: "\(ship.count) targets",
          expected: "at most \(ShippingLimits.targetsMax) targets"))
    }
    books.ledger.isShipped = !ship.isEmpty
  }

  private mutating func readTransport(_ arguments: inout ParsedArguments) {
    let sizes = 1024...(1 << 40)
    // Less than this has no room for a connection with a stream.
    let sharedSizes = (64 << 10)...(1 << 40)
    var limits = server.transport
    limits.concurrentStreamsMax = arguments.integer(
      "max-streams", default: limits.concurrentStreamsMax, in: 1...1_000_000)
    limits.messageBytesMax = arguments.byteSize(
      "max-message-bytes", default: limits.messageBytesMax, in: 1024...(2 << 30))
    limits.headerListBytesMax = arguments.byteSize(
      "max-header-bytes", default: limits.headerListBytesMax, in: 1024...(16 << 20))
    limits.headerCountMax = arguments.integer(
      "max-headers", default: limits.headerCountMax, in: 8...65_536)
    limits.streamBufferBytesMax = arguments.byteSize(
      "max-stream-buffer-bytes", default: limits.streamBufferBytesMax, in: sizes)
    limits.connectionBufferBytesMax = arguments.byteSize(
      "max-connection-buffer-bytes", default: limits.connectionBufferBytesMax, in: sharedSizes)
    limits.processBufferBytesMax = arguments.byteSize(
      "max-buffer-bytes", default: limits.processBufferBytesMax, in: sharedSizes)
    limits.handshakeTimeout = arguments.duration(
      "handshake-timeout", default: limits.handshakeTimeout,
      in: .milliseconds(100) ... .seconds(600))
    limits.firstMessageTimeout = arguments.duration(
      "first-message-timeout", default: limits.firstMessageTimeout,
      in: .milliseconds(100) ... .seconds(600))
    limits.idleTimeout = arguments.duration(
      "idle-timeout", default: limits.idleTimeout, in: .seconds(1) ... .seconds(86_400))
    server.transport = limits
  }
}
