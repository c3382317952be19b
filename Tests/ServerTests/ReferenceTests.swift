import Foundation
import Gateway
import Ledger
import Log
import Metrics
import Policy
import Terms
import Testing

@testable import Server

/// `envoy/reference.md` and the program say the same: nothing of the program is missing in its
/// tables, and what they name is there.
@Suite(.timeLimit(.minutes(3)), .serialized)
struct ReferenceTests {
  private let reference: Document

  init() throws {
    reference = try Document("envoy/reference.md")
  }

  /// Compares names both ways, and refuses a comparison of too few.
  private func expectSame(
    _ documented: some Sequence<String>, _ actual: some Sequence<String>, atLeast count: Int,
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let documented = Set(documented)
    let actual = Set(actual)
    #expect(actual.count >= count, "\(what): found too few", sourceLocation: sourceLocation)
    let missing = actual.subtracting(documented).sorted()
    let invented = documented.subtracting(actual).sorted()
    #expect(missing == [], "\(what): not in the reference", sourceLocation: sourceLocation)
    #expect(invented == [], "\(what): not in the program", sourceLocation: sourceLocation)
  }

  /// The first name between backticks in each cell of a section's columns of that name.
  private func names(_ section: String, _ column: String) -> [String] {
    reference.tables(section, with: column).flatMap { $0.column(column) ?? [] }
      .compactMap { Document.code($0).first }
  }

  private func output(_ arguments: [String]) throws -> [Substring] {
    let run = try CommandRun(arguments)
    #expect(try run.join() == 0)
    return run.standardOutput.split(separator: "\n")
  }

  private func commandNames() throws -> [String] {
    try output(["help"]).compactMap { $0.firstMatch(of: /^ {2}([a-z]+) {2}/).map { String($0.1) } }
  }

  // MARK: Commands and flags

  @Test func `every command`() throws {
    let documented = names("Commands", "command").compactMap { text -> String? in
      text.split(separator: " ").dropFirst().first.map(String.init)
    }
    expectSame(documented, try commandNames(), atLeast: 10, "commands")
  }

  @Test func `flags, their defaults and their variables`() throws {
    var actual: [String: String] = [:]
    for command in try commandNames() {
      for line in try output([command, "--help"]) {
        guard let match = line.wholeMatch(of: #/ {2}(--\S.*?) {2,}(.*?)( \(default (.*)\))?/#)
        else {
          continue
        }
        actual["\(command) \(match.1)"] = match.4.map(String.init) ?? ""
      }
    }
    var documented: [String: String] = [:]
    for table in reference.tables("Commands", with: "flag") {
      let commands = table.column("command") ?? table.rows.map { _ in "`serve`" }
      let variables = table.column("variable") ?? table.rows.map { _ in "" }
      let rows = zip(table.column("flag") ?? [], table.column("default") ?? [])
      for ((flag, standard), (command, variable)) in zip(rows, zip(commands, variables)) {
        let flag = Document.code(flag).first ?? flag
        documented["\(Document.code(command).first ?? "") \(flag)"] = standard
        guard !variable.isEmpty else { continue }
        let name = String(flag.split(separator: " ")[0].dropFirst(2))
        #expect(variable == "`\(Flag(name, .toggle, "").environmentName)`", "\(flag)")
      }
    }
    expectSame(documented.keys, actual.keys, atLeast: 50, "flags")
    for (flag, standard) in documented.sorted(by: { $0.key < $1.key }) {
      let known = actual[flag] ?? ""
      if known.isEmpty {
        #expect(["", "off", "required"].contains(standard), "\(flag) has no default")
      } else {
        #expect(standard.replacing("`", with: "") == known, "\(flag)")
      }
    }
  }

  @Test func `checks of lint, with their severities and words`() throws {
    let table = try #require(reference.tables("Checks of `tollgate lint`", with: "check").first)
    let actual = try output(["lint", "--list"]).compactMap { line in
      line.wholeMatch(of: /([a-z-]+) \((\w+)\): (.*)/).map { "`\($0.1)` \($0.2) \($0.3)" }
    }
    expectSame(table.rows.map { $0.joined(separator: " ") }, actual, atLeast: 45, "checks of lint")
  }

  // MARK: Policy

  @Test func `fields of the policy`() {
    var found: [String: [String]] = [:]
    PolicyProbe().walk { found[$0, default: []] += $1 }
    // Limits have the same fields, whoever states them.
    let owners = ["plans.NAME.", "groups.NAME.", "tenants.NAME.", "tenants.NAME.keys[]."]
    for place in ["limits[]", "limits[].raises[]"] {
      for owner in owners {
        #expect(found.removeValue(forKey: owner + place) == found[place], "\(owner)\(place)")
      }
    }
    found = withKindsOfTokensOnce(found)
    let actual = found.flatMap { place, fields in
      fields.map { place.isEmpty ? $0 : "\(place).\($0)" }
    }
    expectSame(names("Policy", "field"), actual, atLeast: 60, "policy fields")
  }

  /// Long prompts and tiers have prices for the same kinds of tokens as the model itself: `KIND` stands
  /// for all of them, and `TIER` for every tier.
  private func withKindsOfTokensOnce(_ found: [String: [String]]) -> [String: [String]] {
    let kinds = TokenKind.allCases.map(\.rawValue)
    var once: [String: [String]] = [:]
    for (place, fields) in found {
      guard place.hasSuffix(".above") || place.contains(".tiers") else {
        once[place] = fields
        continue
      }
      if place.hasSuffix(".tiers") {
        once[place] = ["TIER"]
        continue
      }
      #expect(kinds.allSatisfy(fields.contains), "\(place) has all kinds")
      let rest = fields.filter { !kinds.contains($0) }
      let name = place.replacing(/\.tiers\.[a-z]+/, with: ".tiers.TIER")
      if let known = once[name] { #expect(known == ["KIND"] + rest, "\(place)") }
      once[name] = ["KIND"] + rest
    }
    return once
  }

  @Test func `every endpoint`() {
    expectSame(
      names("Endpoints", "endpoint"), Endpoint.allCases.map(\.path.string), atLeast: 10,
      "endpoints")
  }

  // MARK: Refusals and log

  @Test func `refusals with their statuses`() throws {
    let table = try #require(reference.tables("Refusals", with: "code").first)
    let rows = table.rows.map { $0.prefix(3).joined(separator: " ") }
    let actual = RefusalCode.allCases.map { code in
      let status = CallStatus(rawValue: Int(code.grpcStatus))?.label.description ?? "?"
      return "\(code.status) `\(code.rawValue)` \(status)"
    }
    expectSame(rows, actual, atLeast: 15, "refusals")
  }

  @Test func `log events, and the keys that they are said to have`() throws {
    let page = try Document("envoy/observability/logs.md")
    let table = try #require(page.tables("Events", with: "event").first)
    let events = (table.column("event") ?? []).flatMap { Document.code($0) }
    expectSame(events, LogEvent.allCases.map(\.rawValue), atLeast: 30, "log events")
    let keys = Set((table.column("keys") ?? []).flatMap { Document.code($0) })
    let known = Set(LogKey.allCases.map(\.rawValue))
    #expect(keys.count >= 30)
    #expect(keys.subtracting(known).sorted() == [], "keys that no line has")
  }

  // MARK: Records

  @Test func `ledger records and their fields`() throws {
    var documented: [String] = []
    var common: [String] = []
    for (heading, tables) in reference.section("Ledger records") {
      let fields = tables.flatMap { $0.column("field") ?? [] }.compactMap {
        Document.code($0).first
      }
      if heading == "Every record" {
        common = fields
      } else if let type = Document.code(heading).first {
        documented += fields.map { "\(type).\($0)" }
      }
    }
    var actual: [String] = []
    var actualCommon: Set<String> = []
    let samples = RecordSamples.all
    for record in samples {
      var fields = try RecordSamples.fields(of: record)
      actualCommon.formUnion(RecordSamples.common.intersection(fields))
      fields.subtract(RecordSamples.common)
      actual += fields.map { "\(record.type).\($0)" }
    }
    #expect(Set(samples.map(\.type)) == Set(LedgerRecord.types), "there is a sample of each type")
    expectSame(common, actualCommon, atLeast: 5, "fields of every record")
    expectSame(documented, actual, atLeast: 70, "fields of records")
  }

  // MARK: What a running process says

  @Test func `metrics with types and labels, and the admin endpoints`() throws {
    let serving = try ServingProbe()
    let page = try serving.get("/metrics").body
    // What an idle process has no sample of.
    let traffic = MetricsProbe.page()
    let metrics = MetricsProbe.metrics(page + "\n" + MetricsProbe.storePage())
    let labels = MetricsProbe.labels(
      [page, traffic, MetricsProbe.storePage()].joined(separator: "\n"))

    let table = try #require(reference.tables("Metrics", with: "metric").first)
    expectSame(
      table.rows.map { "\($0[0]) \($0[1])" }, metrics.map { "`\($0.key)` \($0.value)" },
      atLeast: 50, "metrics")
    // A tenant's slots of a class have samples only where they were taken, and what limits tell only
    // where they told something.
    let rare: [String: Set<String>] = [
      "ai_gateway_limit_amount": ["class"], "ai_gateway_limit_remaining": ["class"],
      "ai_gateway_shadow_refusals_total": ["tenant", "limit"],
      "ai_gateway_limit_threshold_total": ["tenant", "limit", "share", "group"],
      // Nobody has used a key yet.
      "ai_gateway_key_last_used_timestamp_seconds": ["tenant", "key_id"],
    ]
    for row in table.rows {
      let name = Document.code(row[0]).first ?? ""
      let seen = labels[name, default: []].union(rare[name, default: []])
      #expect(Set(Document.code(row[2])) == seen, "labels of \(name)")
    }
    try expectAdminEndpoints(serving)
  }

  private func expectAdminEndpoints(_ serving: ServingProbe) throws {
    let table = try #require(reference.tables("Admin endpoints", with: "path").first)
    #expect(table.rows.count >= 8)
    for row in table.rows {
      var path = Document.code(row[0]).first ?? ""
      if path.hasSuffix("{id}") {
        path = path.replacing("{id}", with: "req_0")
        let answer = try serving.get(path)
        #expect(answer.status == 404 && answer.body.contains("\"records\":[]"), "\(path)")
      } else {
        #expect(try serving.get(path).status == 200, "\(path)")
      }
      #expect(
        try serving.get(path, probes: true).status == (row[1] == "yes" ? 200 : 404), "\(path)")
    }
    #expect(try serving.get("/api/v1/nothing").status == 404)
  }

  @Test func `headers that only Tollgate sets`() {
    expectSame(
      names("Headers", "request header"), ServingProbe.ownHeaders, atLeast: 10, "headers")
  }
}
