/// What `serve` is told of the store in which replicas share their limits: `--store` and the flags
/// that go with it.
package struct StoreSettings: Sendable, Equatable {
  /// `--store`: where it is.
  package let address: StoreAddressText
  /// `--store-credentials`, or `TOLLGATE_STORE_CREDENTIALS`: by what it knows this process.
  package var credentials = StoreCredentialsSource.none
  /// `--replica`: what people call this process.
  package var replica: String
  /// `--lease`: whether parts of a limit are held for later requests; else each request asks.
  package var usesLeases = true
  /// `--lease-ttl`: how long what is held of a bucket, and free slots, outlive their replica's last
  /// word.
  package var leaseTime = leaseTimeDefault
  /// `--store-timeout`: how long one request may wait for the store, all that it asks together.
  package var timeout = timeoutDefault

  /// Whether servers that others name (Sentinels, a cluster) may be reached over a network, although
  /// all of `address` is on this machine: `--allow-plaintext-network`.
  package var allowsNetwork = false

  package static let leaseTimeDefault = Duration.seconds(10)
  /// A replica says once a second that it is alive: a shorter time would count one as gone whose
  /// word is a little late.
  package static let leaseTimes = Duration.seconds(2) ... .seconds(600)
  package static let timeoutDefault = Duration.milliseconds(50)
  package static let timeouts = Duration.milliseconds(1) ... .seconds(10)
  /// The longest name of a replica: that of a host.
  package static let replicaBytesMax = 255

  /// The defaults for a store at `address`.
  package init(_ address: StoreAddressText, replica: String) {
    self.address = address
    self.replica = replica
  }

  /// The declarations of the flags, for `serve`.
  static let flags: [Flag] = [
    Flag(
      "store", .value("URL"),
      "the Redis in which replicas share their limits: redis://HOST:PORT[,HOST:PORT…][/DB], behind it"
        + " ?cluster or ?sentinel=NAME where it is one, or redis+unix:/PATH", default: "none"),
    Flag(
      "store-credentials", .value("FILE"),
      "a file with NAME:PASSWORD or PASSWORD for --store; TOLLGATE_STORE_CREDENTIALS holds the"
        + " credentials themselves"),
    Flag(
      "replica", .value("NAME"), "what people call this process among those that share a store",
      default: "the host's name"),
    Flag(
      "lease", .value("on|off"),
      "on: parts of a limit are held for later requests; off: each request asks the store",
      default: "on"),
    Flag(
      "lease-ttl", .value("DURATION"),
      "how long parts of rate limits and free slots stay held for a replica that is silent",
      default: DurationText.string(leaseTimeDefault)),
    Flag(
      "store-timeout", .value("DURATION"), "how long one request may wait for the store",
      default: DurationText.string(timeoutDefault)),
  ]

  /// Reads the flags; nil where there is no store, or its address is wrong, which is a problem.
  static func read(
    _ arguments: inout ParsedArguments, allowsNetwork: Bool
  ) -> StoreSettings? {
    guard arguments.isGiven("store") else {
      // Whoever gives one of these means to share limits.
      for name in ["store-credentials", "lease", "lease-ttl", "store-timeout"] {
        guard let source = arguments.source(name) else { continue }
        arguments.report(.flagOfOther(source, form: "--store"))
      }
      // For people only: a manifest may set it once for processes with and without a store.
      _ = replica(&arguments)
      return nil
    }
    let address = address(&arguments, allowsNetwork: allowsNetwork)
    let replica = replica(&arguments)
    let credentials = credentials(&arguments)
    let usesLeases = arguments.value("lease", default: true, expected: "on or off") {
      ["on": true, "off": false][$0]
    }
    let leaseTime = arguments.duration("lease-ttl", default: leaseTimeDefault, in: leaseTimes)
    let timeout = arguments.duration("store-timeout", default: timeoutDefault, in: timeouts)
    guard let address else { return nil }
    var settings = StoreSettings(address, replica: replica)
    settings.credentials = credentials
    settings.usesLeases = usesLeases
    settings.leaseTime = leaseTime
    settings.timeout = timeout
    settings.allowsNetwork = allowsNetwork
    return settings
  }

  private static func address(
    _ arguments: inout ParsedArguments, allowsNetwork: Bool
  ) -> StoreAddressText? {
    guard let text = arguments.text("store"), let source = arguments.source("store") else {
      return nil
    }
    // The value is not repeated: where it is wrong, it may well hold a password.
    do throws(StoreAddressText.Problem) {
      let address = try StoreAddressText(text)
      if address.isLocal || allowsNetwork { return address }
      arguments.report(
        .refused(
          source,
          "it leads over a network, and there is no TLS here: use a Unix socket, a loopback"
            + " address (a mesh's, a tunnel's), or give --allow-plaintext-network"))
    } catch {
      arguments.report(.refused(source, "it \(error)"))
    }
    return nil
  }

  private static func replica(_ arguments: inout ParsedArguments) -> String {
    let expected = "a name of 1 to \(replicaBytesMax) printable characters without blanks"
    return arguments.value("replica", default: Kernel.hostName(), expected: expected) { text in
      (1...replicaBytesMax).contains(text.utf8.count)
        && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } ? text : nil
    }
  }

  private static func credentials(_ arguments: inout ParsedArguments) -> StoreCredentialsSource {
    guard let text = arguments.text("store-credentials"),
      let source = arguments.source("store-credentials")
    else { return .none }
    guard case .environment = source else { return .file(text) }
    do throws(StoreCredentials.Problem) {
      return .given(try StoreCredentials(Array(text.utf8)))
    } catch {
      arguments.report(.refused(source, "it \(error)"))
      return .none
    }
  }
}
