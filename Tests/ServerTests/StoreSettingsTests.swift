import Testing

@testable import Server

struct StoreSettingsTests {
  private func read(
    _ arguments: [String], _ environment: [String: String] = [:]
  ) -> (store: StoreSettings?, problems: [UsageProblem]) {
    var parsed = ArgumentParser.parse(
      ServeSettings.specification, arguments: ["--policy=p"] + arguments, environment: environment)
    let settings = ServeSettings(&parsed)
    return (settings.store, parsed.problems)
  }

  @Test func `without --store there is none, and the defaults are those of the contract`() throws {
    #expect(read([]).store == nil)
    let (store, problems) = read(["--store=redis://127.0.0.1:6379"])
    #expect(problems == [])
    let settings = try #require(store)
    #expect(settings.address.description == "redis://127.0.0.1:6379")
    #expect(settings.credentials == .none && !settings.replica.isEmpty && settings.usesLeases)
    #expect(settings.leaseTime == .seconds(10) && settings.timeout == .milliseconds(50))
  }

  @Test func `every setting can be given, also in the environment`() throws {
    let flags = [
      "--store", "redis+unix:/run/redis.sock", "--store-credentials", "/run/secrets/store",
      "--replica", "a-0", "--lease", "off", "--lease-ttl", "5s", "--store-timeout", "20ms",
    ]
    let (store, problems) = read(flags)
    #expect(problems == [])
    let settings = try #require(store)
    #expect(settings.credentials == .file("/run/secrets/store") && settings.replica == "a-0")
    #expect(!settings.usesLeases && settings.leaseTime == .seconds(5))
    #expect(settings.timeout == .milliseconds(20))
    let other = read(
      [],
      [
        "TOLLGATE_STORE": "redis://[::1]:1?cluster", "TOLLGATE_REPLICA": "b",
        "TOLLGATE_LEASE": "off",
        "TOLLGATE_STORE_CREDENTIALS": "gate:word",
      ])
    #expect(other.problems == [] && other.store?.replica == "b" && other.store?.usesLeases == false)
    #expect(try other.store?.credentials.read()?.name == "gate")
    #expect(try other.store?.credentials.read()?.password == "word")
  }

  @Test(arguments: [
    "redis://127.0.0.1:6379", "redis://localhost:6379/0", "redis://[::1]:6379/15",
    "redis://127.0.0.1:1,127.0.0.2:2?cluster", "redis://127.0.0.1:1?sentinel=main",
    "redis://127.0.0.1:1,[::1]:2/3?sentinel=main", "redis+unix:/run/redis.sock",
  ])
  func `an address that only this machine reaches is taken`(text: String) {
    let (store, problems) = read(["--store", text])
    #expect(problems == [] && store?.address.description == text)
  }

  @Test(arguments: [
    "redis://redis.ai-gateway.svc:6379", "redis://10.0.0.7:6379", "redis://0.0.0.0:6379",
    "redis://127.0.0.1:1,10.0.0.7:2?cluster", "redis://localhost.example.com:1",
    "redis://[2001:db8::1]:1?sentinel=main",
  ])
  func `an address over a network is refused with what to do, unless it is meant`(text: String) {
    let (store, problems) = read(["--store", text])
    #expect(store == nil && problems.count == 1)
    #expect(problems.first?.description.contains("--allow-plaintext-network") == true)
    let meant = read(["--store", text, "--allow-plaintext-network"])
    #expect(meant.problems == [] && meant.store?.address.isLocal == false)
  }

  @Test(arguments: [
    ("127.0.0.1:6379", StoreAddressText.Problem.unknownKind), ("redis:/x", .unknownKind),
    ("rediss://127.0.0.1:1", .hasTLS), ("redis://127.0.0.1", .serverInvalid),
    ("redis://127.0.0.1:0", .serverInvalid), ("redis://127.0.0.1:65536", .serverInvalid),
    ("redis://:6379", .serverInvalid), ("redis://::1:6379", .serverInvalid),
    ("redis://a b:6379", .serverInvalid), ("redis://127.0.0.1:1,", .serverInvalid),
    ("redis://127.0.0.1:1,127.0.0.1:2", .severalWithoutKind),
    ("redis://127.0.0.1:1/x", .databaseInvalid), ("redis://127.0.0.1:1/65536", .databaseInvalid),
    ("redis://127.0.0.1:1/1?cluster", .databaseInCluster),
    ("redis://127.0.0.1:1?sentinel=", .optionUnknown),
    ("redis://127.0.0.1:1?clusters", .optionUnknown), ("redis+unix:run", .pathInvalid),
    ("redis+unix:/" + String(repeating: "x", count: 107), .pathInvalid),
    (
      "redis://" + Array(repeating: "127.0.0.1:1", count: 17).joined(separator: ",") + "?cluster",
      .tooManyServers
    ),
  ])
  func `any other address is refused`(text: String, problem: StoreAddressText.Problem) {
    #expect(read(["--store", text]).problems == [.refused(.flag("store"), "it \(problem)")])
  }

  /// A command line is in every process list, and its problems are in logs.
  @Test(arguments: [
    "redis://:hush@127.0.0.1:1", "redis://gate:hush@127.0.0.1:1/2", "rediss://x:hush@h:1",
    "redis+unix:/run/a.sock@hush", "redis://127.0.0.1:1?password=hush", "redis://hush", "hush",
    "redis://127.0.0.1:hush", "redis://127.0.0.1:1/hush",
  ])
  func `no problem of an address repeats what may be a password`(text: String) throws {
    for (arguments, environment) in [(["--store", text], [:]), ([], ["TOLLGATE_STORE": text])] {
      let problems = read(arguments, environment).problems
      #expect(problems.count == 1)
      let words = try #require(problems.first).description
      #expect(!words.contains("hush"))
      if text.contains("@") { #expect(words.contains("--store-credentials FILE")) }
    }
  }

  @Test func `what goes with a store is refused without one, but for the name`() {
    let flags = ["--store-credentials=/f", "--lease=on", "--lease-ttl=5s", "--store-timeout=9ms"]
    #expect(read(flags).problems.count == 4)
    #expect(
      read(["--lease=on"]).problems.map(\.description) == ["--lease goes with `--store`"])
    #expect(read(["--replica=a"]).problems == [])
  }

  @Test func `values out of bounds are refused`() {
    let store = "--store=redis://127.0.0.1:1"
    for flag in [
      "--lease=yes", "--lease-ttl=1s", "--lease-ttl=11m", "--store-timeout=0s",
      "--store-timeout=11s", "--replica=a b", "--replica=\u{7}",
      "--replica=" + String(repeating: "x", count: 256),
    ] {
      #expect(read([store, flag]).problems.count == 1, "\(flag)")
    }
  }

  @Test(
    arguments: [
      ("word", nil, "word"), ("word\n", nil, "word"), ("gate:word\r\n", "gate", "word"),
      ("gate:a:b", "gate", "a:b"), (":a:b", nil, "a:b"), ("gäte:wörd", "gäte", "wörd"),
      ("two words", nil, "two words"),
    ] as [(String, String?, String)])
  func `credentials are a password, or a name and a password`(
    text: String, name: String?, password: String
  ) throws {
    let credentials = try StoreCredentials(Array(text.utf8))
    #expect(credentials.name == name && credentials.password == password)
  }

  @Test(arguments: ["", "\n", "gate:", ":", "a\nb", "a\u{0}", String(repeating: "x", count: 4097)])
  func `other credentials are refused without being repeated`(text: String) {
    let store = ["--store=redis://127.0.0.1:1"]
    #expect(throws: StoreCredentials.Problem.self) { try StoreCredentials(Array(text.utf8)) }
    guard !text.isEmpty else { return }
    let problems = read(store, ["TOLLGATE_STORE_CREDENTIALS": text]).problems
    #expect(problems.count == 1)
    #expect(problems.allSatisfy { !$0.description.contains(text) || text.count < 3 })
  }

  @Test func `no description or dump of the settings has the password`() throws {
    let (store, _) = read(
      ["--store=redis://127.0.0.1:1"], ["TOLLGATE_STORE_CREDENTIALS": "gate:hush"])
    let settings = try #require(store)
    var dumped = "\(settings) \(String(reflecting: settings.credentials))"
    dump(settings, to: &dumped)
    #expect(!dumped.contains("hush") && !dumped.contains("gate"))
  }

  @Test func `a file of credentials is read anew each time, and told where it cannot be`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/store"
    let source = StoreCredentialsSource.file(path)
    #expect(throws: StoreCredentialsSource.Problem.self) { try source.read() }
    try directory.write("store", "one\n")
    #expect(try source.read()?.password == "one")
    try directory.write("store", "gate:two")
    #expect(try source.read()?.password == "two")
    try directory.write("store", "")
    #expect(throws: StoreCredentialsSource.Problem.unfit(path: path, .empty)) { try source.read() }
    try directory.write("store", String(repeating: "x", count: 100_000))
    #expect(throws: StoreCredentialsSource.Problem.unfit(path: path, .tooLong)) {
      try source.read()
    }
    #expect(throws: StoreCredentialsSource.Problem.notRegular(path: directory.path)) {
      try StoreCredentialsSource.file(directory.path).read()
    }
  }
}
