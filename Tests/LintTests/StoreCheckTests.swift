import Testing

@testable import Lint

/// Deployments of Tollgate with a store, as `PodTests` makes them.
struct StoreCheckTests {
  private let pods = PodTests()

  private func checks(
    _ store: String, more: String = "", volume: String? = nil, environment: String = "[]"
  ) throws -> [String] {
    let arguments = #""--data=/d/x", "--store=\#(store)"\#(more)"#
    return try pods.checks(
      pods.workload(
        replicas: 3, arguments: arguments,
        volume: volume ?? #""persistentVolumeClaim": {"claimName": "c"}"#,
        environment: environment))
  }

  @Test(arguments: [
    "redis+unix:/run/redis.sock", "redis://127.0.0.1:6379/0", "redis://localhost:1,[::1]:2?cluster",
  ])
  func `a store in the pod is right for any number of replicas`(store: String) throws {
    #expect(try checks(store).isEmpty)
  }

  @Test(arguments: [
    "redis://redis:6379", "redis://10.0.0.1:6379/0", "redis://127.0.0.1:1,redis-1:2?sentinel=m",
    "redis://0.0.0.0:6379", "redis://localhost.example.com:1",
  ])
  func `a store over a network is meant`(store: String) throws {
    #expect(try checks(store) == ["store-over-network"])
    #expect(try checks(store, more: #", "--allow-plaintext-network""#).isEmpty)
    let variable = #"[{"name": "TOLLGATE_ALLOW_PLAINTEXT_NETWORK", "value": "true"}]"#
    #expect(try checks(store, environment: variable).isEmpty)
    let off = #"[{"name": "TOLLGATE_ALLOW_PLAINTEXT_NETWORK", "value": "0"}]"#
    #expect(try checks(store, environment: off) == ["store-over-network"])
  }

  @Test func `with a store an emptyDir is a warning and no error`() throws {
    #expect(try checks("redis+unix:/r", volume: #""emptyDir": {}"#) == ["store-ledger-forgotten"])
    #expect(try checks("redis+unix:/r", volume: #""hostPath": {"path": "/d"}"#).isEmpty)
    let check = try #require(Checks.all.first { $0.name == "store-ledger-forgotten" })
    #expect(check.severity == .warning)
  }

  @Test(arguments: [
    ("redis://:hush@127.0.0.1:1", "[]", true), ("redis://gate:hush@localhost:1/0", "[]", true),
    ("redis+unix:/r", #"[{"name": "TOLLGATE_STORE_CREDENTIALS", "value": "hush"}]"#, true),
    (
      "redis+unix:/r",
      #"[{"name": "TOLLGATE_STORE_CREDENTIALS", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]"#,
      false
    ),
  ])
  func `credentials are in no manifest`(store: String, environment: String, isFound: Bool) throws {
    let found = try checks(store, environment: environment)
    #expect(found == (isFound ? ["store-credentials-shown"] : []))
  }

  @Test func `the file of credentials is not the credentials`() throws {
    for more in [#", "--store-credentials=/s/c""#, #", "--store-credentials", "/s/c""#] {
      #expect(try checks("redis+unix:/r", more: more).isEmpty)
    }
  }

  @Test func `no finding repeats a password`() throws {
    let pod = pods.workload(arguments: #""--data=/d/x", "--store=redis://:hush@redis:1""#)
    let found = try findings([pod], policy: pods.monthly)
    #expect(Set(found.map(\.check)) == ["store-over-network", "store-credentials-shown"])
    #expect(found.allSatisfy { !$0.message.contains("hush") && !$0.remedy.contains("hush") })
  }

  @Test func `on_store_loss needs a store where the pods are seen`() throws {
    for loss in ["lease", "deny", "local", "allow"] {
      let policy = twoModels.replacing(
        "allow:",
        with:
          #"limits: [{ name: "rpm", requests: 5, per: "minute", on_store_loss: "\#(loss)" }], allow:"#
      )
      let alone = pods.workload()
      #expect(try findings([alone], policy: policy).map(\.check) == ["store-loss-without-store"])
      let shared = pods.workload(arguments: #""--data=/d/x", "--store=redis+unix:/r""#)
      #expect(try findings([shared], policy: policy).isEmpty)
      #expect(try findings([catchAll], policy: policy).map(\.check) != ["store-loss-without-store"])
    }
  }
}
