import Books
import Gateway
import Ledger
import Log
import Terms
import Testing
import Transport

@testable import Server

struct ServeSettingsTests {
  private func read(
    _ arguments: [String], _ environment: [String: String] = [:]
  ) -> (ServeSettings, [UsageProblem]) {
    var parsed = ArgumentParser.parse(
      ServeSettings.specification, arguments: arguments, environment: environment)
    let settings = ServeSettings(&parsed)
    return (settings, parsed.problems)
  }

  @Test func `the defaults are those of the contract`() {
    let (settings, problems) = read(["--policy", "p"])
    #expect(problems == [])
    #expect(settings.policyPath == "p")
    #expect(settings.server.listen == [.tcp(host: "127.0.0.1", port: 9002)])
    #expect(settings.server.drainTimeout == .seconds(150))
    #expect(settings.server.connectionsMax == 10_000)
    #expect(settings.server.transport.messageBytesMax == 64 << 20)
    #expect(settings.logLevel == .info)
    #expect(settings.logFormat == .text)
    #expect(settings.admin == .tcp(host: "127.0.0.1", port: 9090))
    #expect(settings.metrics == nil)
    #expect(!settings.watches && !settings.server.allowPlaintextNetwork)
  }

  @Test func `listen addresses add up, from flags and commas, or from the environment`() {
    let flags = ["--policy=p", "--listen", "unix:/a,[::1]:1", "--listen=127.0.0.1:2"]
    let (settings, problems) = read(flags, ["TOLLGATE_LISTEN": "unix:/b"])
    #expect(problems == [])
    #expect(
      settings.server.listen
        == [
          .unix(path: "/a"), .tcp(host: "::1", port: 1), .tcp(host: "127.0.0.1", port: 2),
        ])
    let (other, _) = read([], ["TOLLGATE_LISTEN": "unix:/b,unix:/c", "TOLLGATE_POLICY": "q"])
    #expect(other.server.listen == [.unix(path: "/b"), .unix(path: "/c")])
    #expect(other.policyPath == "q")
  }

  @Test func `every fault is found in one run`() {
    let (_, problems) = read([
      "--listen", "nowhere", "--workers", "0", "--log-level", "loud", "--drain-timeout", "5",
      "--max-message-bytes", "1", "--admin", "d", "--store", "d",
    ])
    #expect(problems.count == 8)
    #expect(problems.contains(.flagMissing("policy", environment: "TOLLGATE_POLICY")))
    #expect(
      problems.contains(.refused(.flag("store"), "it \(StoreAddressText.Problem.unknownKind)")))
  }

  @Test func `an address given twice is refused, port 0 is another each time`() {
    #expect(read(["--policy=p", "--listen=unix:/a,unix:/a"]).1.count == 1)
    #expect(read(["--policy=p", "--listen=127.0.0.1:0,127.0.0.1:0"]).1.isEmpty)
  }

  @Test func `the page is on loopback or a socket or off, metrics are where they are wanted`() {
    #expect(read(["--policy=p", "--admin=off"]).0.admin == nil)
    #expect(read(["--policy=p"], ["TOLLGATE_ADMIN": "off"]).0.admin == nil)
    for (text, address) in [
      ("unix:/a", .unix(path: "/a")), ("[::1]:0", .tcp(host: "::1", port: 0)),
      ("localhost:9", .tcp(host: "127.0.0.1", port: 9)),
    ] as [(String, ListenAddress)] {
      #expect(read(["--policy=p", "--admin", text]).0.admin == address)
      #expect(read(["--policy=p"], ["TOLLGATE_METRICS": text]).0.metrics == address)
    }
    let (settings, problems) = read(["--policy=p", "--metrics=0.0.0.0:9100"])
    #expect(problems == [] && settings.metrics == .tcp(host: "0.0.0.0", port: 9100))
  }

  @Test func `a page that others could reach is refused, with what to do instead`() throws {
    let (_, problems) = read(["--policy=p", "--admin=0.0.0.0:9090"])
    let problem = try #require(problems.first)
    #expect(problems.count == 1)
    #expect(problem.description.contains("--metrics 0.0.0.0:9090"))
    #expect(read(["--policy=p", "--admin=on"]).1.count == 1)
    #expect(read(["--policy=p", "--metrics=off"]).1.count == 1)
  }

  @Test func `addresses that others can reach are refused all at once, unless they are meant`() {
    let listen = "--listen=127.0.0.1:1,0.0.0.0:2,[::]:3,unix:/a"
    let (settings, problems) = read(["--policy=p", listen])
    #expect(problems.count == 2)
    #expect(problems.allSatisfy { $0.description.contains("--allow-plaintext-network") })
    #expect(settings.server.listen.allSatisfy { $0.isLocal })
    let meant = read(["--policy=p", listen, "--allow-plaintext-network"])
    #expect(meant.0.server.listen.count == 4 && meant.1.isEmpty)
  }

  @Test func `the ledger's bound and its retention have least values`() throws {
    for (flag, least, under) in [
      ("ledger-max-bytes", "1MiB", "1048575"), ("retain", "1s", "999ms"), ("retain", "1s", "0s"),
    ] {
      #expect(read(["--policy=p", "--\(flag)=\(least)"]).1.isEmpty)
      let problem = try #require(read(["--policy=p", "--\(flag)=\(under)"]).1.first)
      #expect(problem.description.contains(least))
    }
    let settings = read(["--policy=p", "--ledger-max-bytes=1MiB", "--retain=1s"]).0
    #expect(settings.books.ledger.ledgerBytesMax == 1 << 20)
    #expect(settings.books.ledger.retain == .seconds(1))
  }

  @Test func `the ledger's bound is bytes, a share of the disk, or none`() {
    let ledger = { (arguments: [String]) in read(["--policy=p"] + arguments).0.books.ledger }
    #expect(ledger([]).ledgerBytesMax == nil && ledger([]).ledgerPercentMax == 80)
    let bytes = ledger(["--ledger-max-bytes=2GiB"])
    #expect(bytes.ledgerBytesMax == 2 << 30 && bytes.ledgerPercentMax == nil)
    let share = ledger(["--ledger-max-bytes=95%"])
    #expect(share.ledgerBytesMax == nil && share.ledgerPercentMax == 95)
    let none = ledger(["--ledger-max-bytes=none"])
    #expect(none.ledgerBytesMax == nil && none.ledgerPercentMax == nil)
    for wrong in ["0%", "96%", "-5%", "%", "1.5%", "5 %", "all"] {
      #expect(read(["--policy=p", "--ledger-max-bytes=\(wrong)"]).1.count == 1, "\(wrong)")
    }
    #expect(ledger([]).whenFull == .refuse)
    #expect(ledger(["--ledger-full=recycle"]).whenFull == .recycle)
    #expect(read(["--policy=p", "--ledger-full=drop"]).1.count == 1)
  }

  /// Whatever the bounds, what the message offers is taken.
  @Test func `the examples of a refused size or duration are taken`() throws {
    for flag in [
      "ledger-max-bytes", "max-message-bytes", "max-header-bytes", "max-buffer-bytes", "retain",
      "drain-timeout", "handshake-timeout", "first-message-timeout", "idle-timeout",
      "write-timeout",
    ] {
      let problem = try #require(read(["--policy=p", "--\(flag)=nonsense"]).1.first)
      let examples = problem.description.split(separator: " such as ")
      try #require(examples.count == 2, "\(problem)")
      for example in examples[1].split(separator: " or ") {
        #expect(read(["--policy=p", "--\(flag)=\(example)"]).1 == [], "\(problem)")
      }
    }
  }

  @Test func `limits reach the transport`() {
    let (settings, problems) = read([
      "--policy=p", "--max-streams=7", "--max-message-bytes=2MiB", "--max-header-bytes=8KiB",
      "--max-headers=9", "--max-buffer-bytes=1GiB", "--idle-timeout=5m", "--handshake-timeout=3s",
      "--max-connections=3", "--write-timeout=4s", "--workers=5", "--first-message-timeout=6s",
    ])
    #expect(problems == [])
    #expect(settings.server.transport.concurrentStreamsMax == 7)
    #expect(settings.server.transport.messageBytesMax == 2 << 20)
    #expect(settings.server.transport.headerListBytesMax == 8 << 10)
    #expect(settings.server.transport.headerCountMax == 9)
    #expect(settings.server.transport.processBufferBytesMax == 1 << 30)
    #expect(settings.server.transport.idleTimeout == .seconds(300))
    #expect(settings.server.transport.handshakeTimeout == .seconds(3))
    #expect(settings.server.transport.firstMessageTimeout == .seconds(6))
    #expect(settings.server.connectionsMax == 3)
    #expect(settings.server.loop.writeStallTimeout == .seconds(4))
    #expect(settings.server.workers == 5)
  }
}
