import Testing

@testable import Lint

struct PodTests {
  let monthly = twoModels.replacing(
    "allow:", with: #"limits: [{ name: "monthly", requests: 5, per: "month" }], allow:"#)

  /// A Deployment of one Tollgate without mistakes, except for the parts that are given.
  func workload(
    kind: String = "Deployment", replicas: Int = 1, arguments: String = #""--data=/d/x""#,
    volume: String = #""persistentVolumeClaim": {"claimName": "c"}"#,
    strategy: String = #"{"type": "Recreate"}"#, grace: String = "200",
    environment: String = "[]", mounts: String = #"[{"name": "v", "mountPath": "/d"}]"#
  ) -> String {
    object(
      "apps/v1", kind, "t",
      """
      {"replicas": \(replicas), "strategy": \(strategy), "template": {"spec": {
        "terminationGracePeriodSeconds": \(grace),
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "v", \(volume)}],
        "containers": [{"name": "tollgate", "image": "tollgate:1",
          "args": ["serve", \(arguments)], "env": \(environment), "volumeMounts": \(mounts),
          "securityContext": {"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
                              "capabilities": {"drop": ["ALL"]}}}]}}}
      """)
  }

  func checks(_ workload: String) throws -> [String] {
    try findings([workload], policy: monthly).map(\.check)
  }

  @Test func `a ledger on a claim of one replica may hold a calendar limit`() throws {
    #expect(try checks(workload()).isEmpty)
    #expect(try checks(workload(volume: #""hostPath": {"path": "/d"}"#)).isEmpty)
  }

  @Test func `a ledger that goes with the pod may not`() throws {
    #expect(try checks(workload(volume: #""emptyDir": {}"#)) == ["ledger-forgotten"])
    #expect(try checks(workload(mounts: "[]")) == ["ledger-forgotten"])
    #expect(try checks(workload(arguments: #""--data", "/other""#)) == ["ledger-forgotten"])
    #expect(
      try checks(workload(arguments: #""--data", "/dx""#)) == ["ledger-forgotten"],
      "/d is no parent of /dx")
  }

  @Test func `several ledgers may not, unless they share a store`() throws {
    #expect(try checks(workload(replicas: 2)) == ["limits-per-replica"])
    #expect(try checks(workload(kind: "DaemonSet")) == ["limits-per-replica"])
    let store = #""--data=/d", "--store=redis://127.0.0.1:6379/0""#
    #expect(try checks(workload(replicas: 2, arguments: store)).isEmpty)
    let variable = #"[{"name": "TOLLGATE_STORE", "value": "redis+unix:/run/r"}]"#
    #expect(try checks(workload(replicas: 2, environment: variable)).isEmpty)
  }

  @Test func `a flag wins over the environment`() throws {
    let variable = #"[{"name": "TOLLGATE_DATA", "value": "/elsewhere"}]"#
    #expect(try checks(workload(environment: variable)).isEmpty)
    #expect(
      try checks(workload(arguments: #""--watch""#, environment: variable)) == ["ledger-forgotten"])
  }

  @Test func `a rollout waits for the ledger's holder`() throws {
    for strategy in ["null", #"{"type": "RollingUpdate"}"#] {
      #expect(try checks(workload(strategy: strategy)) == ["rollout-shares-ledger"])
    }
    let noSurge = #"{"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}"#
    #expect(try checks(workload(strategy: noSurge)).isEmpty)
  }

  @Test func `a node's new pod waits for the ledger's holder`() throws {
    func found(_ update: String) throws -> [String] {
      let daemon = workload(kind: "DaemonSet", volume: #""hostPath": {"path": "/d"}"#)
        .replacing(#""strategy""#, with: #""updateStrategy""#)
        .replacing(#"{"type": "Recreate"}"#, with: update)
      return try findings([daemon], policy: twoModels).map(\.check)
    }
    #expect(try found("null").isEmpty)
    #expect(try found(#"{"type": "OnDelete"}"#).isEmpty)
    #expect(try found(#"{"rollingUpdate": {"maxSurge": 0}}"#).isEmpty)
    #expect(try found(#"{"rollingUpdate": {"maxSurge": "0%"}}"#).isEmpty)
    for surge in ["1", "\"25%\""] {
      #expect(
        try found(#"{"rollingUpdate": {"maxSurge": \#(surge)}}"#) == ["rollout-shares-ledger"])
    }
  }

  @Test(arguments: [("2147483648", false), ("2147483649", true)])
  func `the memory is above the buffers, whose default counts`(_ memory: String, _ isClean: Bool)
    throws
  {
    let resources = #""resources": {"limits": {"memory": \#(memory)}}"#
    let limited = workload().replacing(
      #""volumeMounts":"#, with: #"\#(resources), "volumeMounts":"#)
    #expect(try checks(limited) == (isClean ? [] : ["memory-limit"]))
  }

  @Test(arguments: [("1GiB", true), ("1073741825", false)])
  func `the ledger's bound is within its volume`(_ bound: String, _ isClean: Bool) throws {
    let claim = object(
      "v1", "PersistentVolumeClaim", "c", #"{"resources": {"requests": {"storage": "1Gi"}}}"#)
    let bounded = workload(arguments: #""--data=/d/x", "--ledger-max-bytes=\#(bound)""#)
    #expect(
      try findings([bounded, claim], policy: monthly).map(\.check)
        == (isClean ? [] : ["ledger-above-volume"]))
  }

  @Test(arguments: [("150", "120s", true), ("149", "120s", false), ("null", "120s", false)])
  func `the grace period is as long as the drain`(
    _ grace: String, _ longest: String, _ isClean: Bool
  ) throws {
    let documents = [
      workload(grace: grace), route("chat", rule(timeouts: "\"\(longest)\"")), catchAll,
    ]
    #expect(
      try findings(documents, policy: twoModels).map(\.check).contains("short-drain") == !isClean)
  }

  @Test(arguments: [("150s", true), ("151s", false)])
  func `the drain is as long as the longest exchange`(_ longest: String, _ isClean: Bool) throws {
    let documents = [workload(), route("chat", rule(timeouts: "\"\(longest)\"")), catchAll]
    #expect(
      try findings(documents, policy: twoModels).map(\.check).contains("short-drain") == !isClean)
  }
}
