import Bytes
import Foundation
import Gateway
import Log
import Metrics
import Policy
import Terms
import Testing

@testable import Server

/// The smallest policies that differ.
enum SamplePolicy {
  static func text(bodyBytesMax: Int) -> String {
    "{ version: 1, max_body_bytes: \(bodyBytesMax), models: {}, tenants: {} }"
  }
  static let broken = "{ version: 1, oops: 2 }"
}

@Suite(.timeLimit(.minutes(2)))
struct PolicyStoreTests {
  private let directory: TemporaryDirectory
  private let lines = LogCapture()
  private let log: Logger

  init() throws {
    directory = try TemporaryDirectory()
    log = Logger(level: .debug, format: .text, write: lines.append)
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 10000))
  }

  private var path: String { directory.path + "/p.json5" }

  private func open() throws -> PolicyStore {
    try PolicyStore.open(path: path, log: log, nowMs: 0).store
  }

  @Test func `the same bytes are no reload`() throws {
    let store = try open()
    #expect(store.reload(nowMs: 0, isAsked: true) == .unchanged)
    #expect(store.status.replaced == 0 && store.status.refused == 0)
  }

  @Test func `other bytes replace the policy`() throws {
    let store = try open()
    let revision = store.policy.revision
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 20000))
    #expect(store.reload(nowMs: 0, isAsked: false) == .replaced)
    #expect(store.policy.maxBodyBytes == 20000)
    #expect(store.policy.revision != revision)
    #expect(store.status.replaced == 1 && store.status.refused == 0)
    #expect(store.status.generation == 2 && store.status.revision == store.policy.revision)
  }

  @Test
  func `a bad policy leaves the old one, and is said once by a watch and each time when asked`()
    throws
  {
    let store = try open()
    try directory.write("p.json5", SamplePolicy.broken)
    #expect(store.reload(nowMs: 0, isAsked: false) == .refused)
    #expect(store.reload(nowMs: 0, isAsked: false) == .unchanged)
    #expect(store.reload(nowMs: 0, isAsked: true) == .refused)
    #expect(store.policy.maxBodyBytes == 10000)
    #expect(store.status.replaced == 0 && store.status.refused == 2)
    #expect(!store.status.isLastGood && store.status.generation == 1)
    log.flush()
    #expect(lines.contains("\(path):1:"))
    #expect(lines.contains("2 refused so far"))
    // The old bytes again: nothing to do, and the next fault is news.
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 10000))
    #expect(store.reload(nowMs: 0, isAsked: false) == .unchanged)
    try directory.write("p.json5", SamplePolicy.broken)
    #expect(store.reload(nowMs: 0, isAsked: false) == .refused)
  }

  @Test func `a policy that has gone leaves the old one`() throws {
    let store = try open()
    try FileManager.default.removeItem(atPath: path)
    #expect(store.reload(nowMs: 0, isAsked: false) == .refused)
    #expect(store.reload(nowMs: 0, isAsked: false) == .unchanged)
    #expect(store.policy.maxBodyBytes == 10000)
  }

  @Test func `a start with a bad policy says every problem`() throws {
    try directory.write("p.json5", "{ version: 1, oops: 2, alas: 3 }")
    let problem = #expect(throws: PolicyStore.StartProblem.self) { try open() }
    let said = problem?.lines.joined(separator: "\n") ?? ""
    #expect(said.contains("oops"))
    #expect(said.contains("alas"))
  }

  /// What a watcher has reported, and a wait for the next report.
  private final class Reports: Sendable {
    let sizes = Locked<[Int]>([])
    let told = DispatchSemaphore(value: 0)

    func add(_ policy: PolicySnapshot) {
      sizes.withLock { $0.append(policy.maxBodyBytes) }
      told.signal()
    }

    func wait() -> Bool { told.wait(timeout: .now() + .seconds(20)) == .success }
  }

  @Test func `the moment of a policy is known to the millisecond`() throws {
    let store = try PolicyStore.open(path: path, log: log, nowMs: 1_795_378_630_123).store
    #expect(store.status.loadedAtMs == 1_795_378_630_123)
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 20000))
    #expect(store.reload(nowMs: 1_795_378_631_456, isAsked: false) == .replaced)
    #expect(store.status.loadedAtMs == 1_795_378_631_456)
    #expect(store.status.lastAttemptMs == 1_795_378_631_456)
  }

  private func watch(_ path: String, watches: Bool) throws -> (PolicyWatcher, Reports) {
    let reports = Reports()
    let store = try PolicyStore.open(path: path, log: log, nowMs: 0).store
    let watcher = try PolicyWatcher(
      store: Handover(store), watches: watches, log: log, changed: { reports.add($0) })
    return (watcher, reports)
  }

  @Test func `a watcher that is asked reads on its own thread`() throws {
    let (watcher, reports) = try watch(path, watches: false)
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 20000))
    watcher.reload()
    #expect(reports.wait())
    #expect(reports.sizes.withLock { $0 } == [20000])
    watcher.stop()
  }

  @Test func `a watch sees files renamed over, written in place, and links swapped, with no poll`()
    throws
  {
    try directory.makeDirectory("..one")
    try directory.write("..one/q.json", SamplePolicy.text(bodyBytesMax: 10001))
    try directory.link("..data", to: "..one")
    try directory.makeDirectory("map")
    let map = try watch(
      directory.path + "/map-link",
      after: {
        try directory.link("map/q.json", to: "../..data/q.json")
        try directory.link("map-link", to: "map")
      })
    let (watcher, reports) = map
    for round in 2...4 {
      try directory.makeDirectory("..r\(round)")
      try directory.write(
        "..r\(round)/q.json", SamplePolicy.text(bodyBytesMax: 10000 + round))
      try directory.link("..tmp", to: "..r\(round)")
      try directory.rename("..tmp", to: "..data")
      #expect(reports.wait())
      #expect(reports.sizes.withLock { $0.last } == 10000 + round)
    }
    watcher.stop()
    let (other, seen) = try watch(path, watches: true)
    try directory.write("p.tmp", SamplePolicy.text(bodyBytesMax: 30000))
    try directory.rename("p.tmp", to: "p.json5")
    #expect(seen.wait())
    try directory.write("p.json5", SamplePolicy.text(bodyBytesMax: 40000))
    #expect(seen.wait())
    #expect(seen.sizes.withLock { $0 } == [30000, 40000])
    other.stop()
  }

  private func watch(
    _ path: String, after prepare: () throws -> Void
  ) throws -> (PolicyWatcher, Reports) {
    try prepare()
    return try watch(path, watches: true)
  }
}
