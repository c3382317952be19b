import Bytes
import EnvoyAPI
import Foundation
import Testing
import Transport

@testable import Server

@Suite(.timeLimit(.minutes(3)), .serialized)
struct CommandTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 10000))
    try directory.write("bad.json5", SamplePolicy.broken)
  }

  private var policy: String { directory.path + "/p.json5" }
  private var data: String { directory.path + "/data" }
  private var socket: ListenAddress { .unix(path: directory.path + "/s") }

  private func serve(
    _ more: [String] = [], admin: String = "off", environment: [String: String] = [:],
    descriptors: Int? = nil
  ) throws -> CommandRun {
    let run = try CommandRun(
      [
        "serve", "--policy", policy, "--listen", socket.description, "--workers", "1", "--data",
        data, "--admin", admin,
      ] + more,
      environment: environment, descriptors: descriptors)
    try run.waitFor("is ready on")
    return run
  }

  /// The segments on disk, by name.
  private var segments: [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: data + "/ledger")
    return (names ?? []).filter { $0.hasSuffix(".jsonl") }.sorted()
  }

  private func waitForSegments(_ count: Int) throws {
    let end = MonotonicTime.now + TestClient.timeout
    while segments.count < count {
      guard .now < end else { throw TestClient.Late() }
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  @Test func `exit statuses: 0 done, 1 failed, 2 wrong usage`() throws {
    for (arguments, status) in [
      (["version"], 0), (["help"], 0), (["serve", "--help"], 0), (["check", policy], 0),
      (["check", directory.path + "/bad.json5"], 1), (["check", "/nowhere/at/all"], 1),
      (["serve", "--policy", directory.path + "/bad.json5", "--admin", "off"], 1),
      (
        ["serve", "--policy", policy, "--listen", "0.0.0.0:0", "--data", data, "--admin", "off"], 2
      ),
      (["serve", "--policy", policy, "--data", "/dev/null/d", "--admin", "off"], 1),
      ([], 2), (["sevre"], 2), (["serve"], 2), (["check"], 2), (["audit"], 2),
      (["serve", "--policy", policy, "--admin", "0.0.0.0:0"], 2),
      (["serve", "--policy", policy, "--store", "s"], 2), (["key", "a b"], 2),
    ] as [([String], Int32)] {
      #expect(try CommandRun(arguments).join() == status, "\(arguments)")
    }
  }

  @Test func `what is wrong with a command line is said, with what would be right`() throws {
    let both = "--json and --csv do not go together"
    for (arguments, said) in [
      (["audit"], "the argument verify|show|ship|restore is missing"),
      (["audit", "prove", data], "`prove` is not `verify`, `show`, `ship` or `restore`"),
      (["audit", "ship", data], "--to (or TOLLGATE_TO) is missing"),
      (["audit", "ship", data, "--to", "otlp://h"], "has no port"),
      (["audit", "ship", data, "--to", "stdout", "--from", "0"], "the number of a record"),
      (["audit", "ship", data, "--to", "stdout", "--until", "1h"], "the number of a record"),
      (["audit", "ship", data, "--to", "stdout", "--json"], "--json goes with `audit show`"),
      (
        ["audit", "show", data, "--from", "1"],
        "--from goes with `audit ship` and `audit restore`"
      ),
      (["audit", "restore", data], "--from (or TOLLGATE_FROM) is missing"),
      (["audit", "restore", data, "--from", "f", "--to", "stdout"], "--to goes with `audit ship`"),
      (["audit", "show", data, "--ledger", "x"], "--ledger goes with `audit restore`"),
      (["audit", "verify", data, "--to", "stdout"], "--to goes with `audit ship`"),
      (["audit", "verify", data, "--tenant", "a"], "--tenant goes with `audit show`"),
      (["audit", "show", data, "--type", "nonsense"], "`admission`, `completion`, `denials`"),
      (["audit", "show", data, "--decision", "maybe"], "`allow` or `deny`"),
      (["audit", "show", data, "--since", "garbage"], "--since: `garbage` is not a day"),
      (["audit", "show", data, "--until", "2026-13-45"], "2026-11-22T20:17:10Z"),
      (["usage", data, "--since", "2026-11-23T03:01:50"], "a duration ago (1h)"),
      (["usage", data, "--json", "--csv"], both), (["usage", data, "--csv", "--json"], both),
      (["usage", data, "--by", "tenant,nonsense"], "`nonsense` is not one of `tenant`, `key`"),
      (["usage", data, "--by", "day,day"], "given once"),
      (["usage"], "the argument DIR is missing"),
      (["usage", data, "--timezone", "Mars/Olympus"], "an IANA name such as Europe/Berlin"),
      (["usage", data, "--since", "tomorrow"], "today, yesterday, this-month, last-month"),
      (["audit", "show", data, "--min-cost=-1"], "an amount of dollars such as 0.25"),
      (["audit", "show", data, "--min-cost", "1e3"], "an amount of dollars such as 0.25"),
      (["audit", "verify", data, "--key", "k"], "--key goes with `audit show`"),
      (["prices"], "the argument FILE is missing"),
      (["serve", "--policy", policy, "--listen", "[::]:0"], "--allow-plaintext-network"),
    ] as [([String], String)] {
      let run = try CommandRun(arguments)
      #expect(try run.join() == 2, "\(arguments)")
      #expect(run.standardError.contains(said), "\(arguments): \(run.standardError)")
      #expect(!run.standardError.contains("unexpected argument"))
      #expect(run.standardOutput.isEmpty)
    }
  }

  @Test func `only audit restore takes files behind its directory`() throws {
    for action in ["verify", "show", "ship"] {
      let run = try CommandRun(["audit", action, data, "more"])
      #expect(try run.join() == 2, "\(action)")
      #expect(run.standardError.contains("unexpected argument `more`"))
    }
  }

  @Test func `a refused address or policy leaves no ledger and opens nothing`() throws {
    for (arguments, status) in [
      (["--policy", policy, "--listen", "unix:\(directory.path)/s,0.0.0.0:0"], 2),
      (["--policy", directory.path + "/bad.json5", "--admin", "127.0.0.1:0"], 1),
      (["--policy", "/nowhere/at/all", "--admin", "127.0.0.1:0"], 1),
    ] as [([String], Int32)] {
      let run = try CommandRun(["serve", "--data", data] + arguments)
      #expect(try run.join() == status)
      #expect(!FileManager.default.fileExists(atPath: data))
      #expect(!run.standardError.contains("starts"))
      #expect(!run.standardError.contains("the page is on"))
    }
  }

  @Test func `a start that fails is said in the log's own form`() throws {
    let bad = directory.path + "/bad.json5"
    try directory.write("in-the-way", "")
    let blocked = "unix:\(directory.path)/in-the-way"
    for (arguments, events) in [
      (["--policy", bad], ["policy_problem", "start_failed"]),
      (["--policy", "/nowhere/at/all"], ["policy_problem", "start_failed"]),
      (["--policy", policy, "--data", "/dev/null/d"], ["start_failed"]),
      (["--policy", policy, "--listen", blocked], ["started", "start_failed"]),
      (["--policy", policy, "--admin", blocked], ["start_failed"]),
    ] {
      let base = ["serve", "--log-format", "json"]
      var rest = arguments
      if !rest.contains("--data") { rest += ["--data", data] }
      if !rest.contains("--admin") { rest += ["--admin", "off"] }
      let run = try CommandRun(base + rest)
      #expect(try run.join() == 1)
      let lines = run.standardError.split(separator: "\n").map { line in
        (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
      }
      #expect(lines.allSatisfy { $0 != nil }, "\(run.standardError)")
      let said = lines.compactMap { $0?["event"] as? String }
      #expect(events.allSatisfy(said.contains) && said.last == "start_failed", "\(said)")
    }
  }

  @Test func `prices of a map are a fragment that check takes, and what is left out is said`()
    throws
  {
    let map = """
      { "m": { "input_cost_per_token": 1.43e-08, "output_cost_per_token": 2e-06, "input_cost_per_pixel": 1 },
        "n": { "input_cost_per_token": "1" }, "o": { "mode": "chat" } }
      """
    try directory.write("map.json", map)
    let file = directory.path + "/map.json"
    for (arguments, status, said) in [
      (["m"], 0, "m: input_cost_per_pixel: left out"), ([], 1, "n: left out"),
      (["n"], 1, "no prices"), (["m", "x"], 1, "x: the map has no model of that name"),
      (["o"], 1, "o: the map has no price that the policy knows"),
    ] as [([String], Int32, String)] {
      let run = try CommandRun(["prices", file] + arguments)
      #expect(try run.join() == status, "\(arguments)")
      #expect(run.standardError.contains(said), "\(arguments): \(run.standardError)")
      if arguments == ["n"] || arguments == ["o"] {
        #expect(run.standardOutput.isEmpty)
        continue
      }
      let fragment = try #require(
        try JSONSerialization.jsonObject(with: Data(run.standardOutput.utf8)) as? [String: Any])
      #expect((fragment["models"] as? [String: Any])?.keys.sorted() == ["m"])
      // Put into a policy, it is one.
      let model = run.standardOutput.replacing(
        "\"m\": {", with: "\"m\": { class: \"c\", routes: [{ name: \"r\" }],")
      try directory.write(
        "priced.json5",
        "{ version: 1, classes: { c: {} }, tenants: {}, \(model.dropFirst().trimmingCharacters(in: .whitespacesAndNewlines).dropLast()) }"
      )
      let check = try CommandRun(["check", directory.path + "/priced.json5"])
      #expect(try check.join() == 0, "\(check.standardError)")
    }
    for (name, text, said) in [
      ("list.json", "[]", "list.json:1:1: error: must be an object"),
      ("cut.json", "{ \"m\": {", "is never closed"), ("none.json", "", "the file is empty"),
    ] {
      try directory.write(name, text)
      let run = try CommandRun(["prices", directory.path + "/" + name])
      #expect(try run.join() == 1)
      #expect(run.standardError.contains(said), "\(run.standardError)")
    }
    #expect(try CommandRun(["prices", directory.path]).join() == 1)
    #expect(try CommandRun(["prices", "/nowhere"]).join() == 1)
  }

  @Test func `a key is printed once, with the digest of what is printed`() throws {
    let run = try CommandRun(["key", "tenant-a", "--id", "k1", "--expires", "never"])
    #expect(try run.join() == 0)
    let lines = run.standardOutput.split(separator: "\n")
    let key = try #require(lines.first)
    #expect(key.hasPrefix("tg_"))
    #expect(key.count == 3 + 43)
    #expect(run.standardOutput.components(separatedBy: key).count == 2)
    let stanza = try #require(lines.last)
    #expect(stanza.contains("id: \"k1\""))
    #expect(!stanza.contains("expires"))
    // Another run makes another key.
    let other = try CommandRun(["key", "tenant-a"])
    #expect(try other.join() == 0)
    #expect(!other.standardOutput.contains(key))
    #expect(other.standardOutput.contains("expires: \""))
  }

  @Test func `a key ends when a policy would read that it ends`() throws {
    let run = try CommandRun(["key", "tenant-a", "--expires", "2999-01-01T00:00:00.5+01:00"])
    #expect(try run.join() == 0)
    #expect(run.standardOutput.contains("expires: \"2998-12-31T23:00:00Z\""))
    for text in [
      "2999-02-30T00:00:00Z", "2999-01-01T24:00:00Z", "2999-01-01T00:00:60Z", "2999-1-1T00:00:00Z",
      "2999-01-01T00:00:00+0100", "2999-01-01T00:00:00Z, really", "12999-01-01T00:00:00Z",
      "2024-01-01T00:00:00Z",
    ] {
      let run = try CommandRun(["key", "tenant-a", "--expires", text])
      #expect(try run.join() == 2, "\(text)")
      #expect(run.standardOutput.isEmpty)
    }
  }

  @Test func `SIGTERM drains with status 0, and health is asked by the command`() throws {
    let run = try serve()
    #expect(try CommandRun(["health", socket.description]).join() == 0)
    #expect(try CommandRun(["health"], environment: ["TOLLGATE_LISTEN": "\(socket)"]).join() == 0)
    run.signal(SIGUSR1)
    try run.waitFor("begins a new segment")
    try waitForSegments(2)
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
    #expect(try CommandRun(["health", socket.description]).join() == 1)
  }

  @Test func `a data directory has one process, and its records go on after a restart`() throws {
    let run = try serve()
    let other = try CommandRun([
      "serve", "--policy", policy, "--listen", "127.0.0.1:0", "--data", data, "--admin", "off",
    ])
    #expect(try other.join() == 1)
    #expect(other.standardError.contains(data))
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
    let first = try String(contentsOfFile: data + "/ledger/" + segments[0], encoding: .utf8)
    #expect(first.split(separator: "\n").last?.hasPrefix(#"{"type":"stop""#) == true)
    let again = try serve()
    again.signal(SIGTERM)
    #expect(try again.join() == 0)
    #expect(segments.count == 2)
  }

  @Test func `a second signal ends at once with status 1 and leaves no socket`() throws {
    let run = try serve()
    let client = try TestClient(socket)
    let watch = client.http.open(path: "/grpc.health.v1.Health/Watch")
    try client.work { !client.http.wantsWrite }
    // A request that never comes holds the stream open.
    run.signal(SIGINT)
    try run.waitFor("draining")
    run.signal(SIGINT)
    #expect(try run.join() == 1)
    #expect(run.standardError.contains("ending at once"))
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/s"))
    withExtendedLifetime(watch) {}
  }

  @Test func `SIGHUP takes a good policy and refuses a bad one`() throws {
    let run = try serve()
    try directory.write("p.json5", SamplePolicy.broken)
    run.signal(SIGHUP)
    try run.waitFor("1 refused so far")
    #expect(run.standardError.contains("oops"))
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 20000))
    run.signal(SIGHUP)
    try run.waitFor("policy replaced")
    run.signal(SIGHUP)
    try run.waitFor("the policy is unchanged")
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
  }

  @Test(arguments: [[:], ["SWIFT_BACKTRACE": "registers=none"]])
  func `the process has the program's name, started anew or not`(environment: [String: String])
    throws
  {
    let run = try serve(environment: environment)
    #expect(run.processName == CrashReport.processName)
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
  }

  @Test func `reload tells the process that holds the data directory, and nobody else`() throws {
    let reload = ["reload", "--data", data]
    // No directory yet; then a lock file that nobody holds.
    #expect(try CommandRun(reload).join() == 1)
    let run = try serve()
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 20000))
    let asked = try CommandRun(reload)
    #expect(try asked.join() == 0)
    #expect(asked.standardError.contains("policy_refused"))
    try run.waitFor("policy replaced")
    #expect(try CommandRun(["reload"], environment: ["TOLLGATE_DATA": data]).join() == 0)
    try run.waitFor("the policy is unchanged")
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
    let late = try CommandRun(reload)
    #expect(try late.join() == 1)
    #expect(late.standardError.contains("nobody serves from"))
  }

  @Test func `without descriptors new connections are closed, and later ones are served`() throws {
    let run = try serve(descriptors: 32)
    var clients: [TestClient] = []
    for _ in 0..<60 { clients.append(try TestClient(socket)) }
    var served = 0
    var closed = 0
    for client in clients {
      let call = client.http.unary(path: "/grpc.health.v1.Health/Check", message: [])
      do {
        try client.work { call.reply.isDone }
        if call.reply.isOK { served += 1 } else { closed += 1 }
      } catch is TestClient.Late {
        Issue.record("a connection was neither served nor closed")
      } catch {
        closed += 1
      }
    }
    #expect(served > 0)
    #expect(closed > 0)
    try run.waitFor("out of file descriptors")
    clients = []
    let end = MonotonicTime.now + TestClient.timeout
    var isServed = false
    while !isServed, .now < end {
      isServed = (try? HealthProbe.ask(socket, service: "", timeout: .seconds(1))) == .serving
    }
    #expect(isServed)
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
  }

  @Test func `without descriptors new admin connections are closed, and later ones are served`()
    throws
  {
    let admin = ListenAddress.unix(path: directory.path + "/a")
    let run = try serve(admin: admin.description, descriptors: 32)
    // Fewer than the admin server's own limit: only the descriptors can be short.
    var sockets: [Descriptor] = []
    for _ in 0..<60 {
      let socket = try Kernel.createSocket(for: admin.socketAddress, blocking: true)
      try Kernel.setTimeouts(socket, TestClient.timeout)
      try Kernel.connect(socket, to: admin.socketAddress)
      sockets.append(socket)
    }
    let answers = try sockets.map(isAlive)
    #expect(answers.contains(true))
    #expect(answers.contains(false))
    try run.waitFor("out of file descriptors: a new admin connection was closed")
    sockets = []
    let end = MonotonicTime.now + TestClient.timeout
    var isServed = false
    while !isServed, .now < end {
      let socket = try Kernel.createSocket(for: admin.socketAddress, blocking: true)
      try Kernel.setTimeouts(socket, .seconds(1))
      try Kernel.connect(socket, to: admin.socketAddress)
      isServed = (try? isAlive(socket)) == true
    }
    #expect(isServed)
    run.signal(SIGTERM)
    #expect(try run.join() == 0)
  }

  /// Whether `/healthz` is answered on that connection; false where it is closed instead.
  private func isAlive(_ socket: Descriptor) throws -> Bool {
    guard
      case .bytes = Kernel.send(socket, Array("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    else { return false }
    var answer = [UInt8](repeating: 0, count: 4096)
    switch Kernel.receive(socket, into: &answer) {
    case .bytes(0), .failed: return false
    case .bytes: return answer.starts(with: "HTTP/1.1 200 ".utf8)
    case .wouldBlock: throw TestClient.Late()
    }
  }
}
