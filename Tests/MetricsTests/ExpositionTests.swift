import Testing

@testable import Metrics

struct ExpositionTests {
  private static func text(_ write: (inout Exposition) -> Void) -> String {
    var page = Exposition()
    write(&page)
    return String(decoding: page.bytes, as: UTF8.self)
  }

  @Test(
    arguments: [
      (0, "0"), (9, "9"), (10, "10"), (99, "99"), (100, "100"), (101, "101"), (1_000, "1000"),
      (12_345, "12345"), (.max, "18446744073709551615"),
    ] as [(UInt64, String)])
  func `numbers are written in full`(_ value: UInt64, _ expected: String) {
    #expect(Self.text { $0.number(value) } == expected)
  }

  @Test func `numbers are what Swift writes`() {
    for shift in 0..<64 {
      for value in [UInt64(1) << shift, (UInt64(1) << shift) - 1] {
        #expect(Self.text { $0.number(value) } == String(value))
      }
    }
  }

  @Test(
    arguments: [
      (0, 1_000, "0"), (1, 1_000, "0.001"), (10, 1_000, "0.01"), (999, 1_000, "0.999"),
      (1_000, 1_000, "1"), (1_500, 1_000, "1.5"), (1, 1_000_000_000, "0.000000001"),
      (123_456_789_012, 1_000_000_000, "123.456789012"), (100, 1_000_000_000, "0.0000001"),
      (.max, 1_000_000_000, "18446744073.709551615"),
    ] as [(UInt64, UInt64, String)])
  func `parts of a unit are exact`(_ value: UInt64, _ unit: UInt64, _ expected: String) {
    #expect(Self.text { $0.fraction(value, per: unit) } == expected)
  }

  @Test(
    arguments: [
      (0.0, "0"), (1.5, "1.5"), (0.000001, "0.000001"), (1_763_850_000.25, "1763850000.25"),
      (-1, "0"), (.infinity, "0"), (.nan, "0"), (1e300, "1000000000000"),
    ] as [(Double, String)])
  func `seconds that cannot be are 0`(_ value: Double, _ expected: String) {
    #expect(
      Self.text { page in
        page.metric("m", .gauge, "h")
        page.sample(seconds: value)
      } == "# HELP m h\n# TYPE m gauge\nm \(expected)\n")
  }

  @Test func `label values are escaped`() {
    #expect(
      Self.text { page in
        page.metric("m", .gauge, "h")
        page.sample([("a", "x\"y\\z\nw"), ("b", "ünïcode {},=")], 1)
      } == "# HELP m h\n# TYPE m gauge\n"
        + #"m{a="x\"y\\z\nw",b="ünïcode {},="} 1"# + "\n")
  }

  @Test func `a histogram's buckets add up, and its count is the last of them`() {
    let histogram = Histogram.shortWaits()
    for value: UInt64 in [40_000, 60_000, 7_000_000_000] { histogram.record(value) }
    let lines = Self.text { $0.secondsHistogram("h", "help", histogram) }
      .split(separator: "\n").map(String.init)
    #expect(lines[..<2] == ["# HELP h help", "# TYPE h histogram"])
    #expect(lines[2] == #"h_bucket{le="0.00005"} 1"#)
    #expect(lines[3] == #"h_bucket{le="0.0001"} 2"#)
    #expect(lines[16] == #"h_bucket{le="5"} 2"#)
    #expect(lines[17...] == [#"h_bucket{le="+Inf"} 3"#, "h_sum 7.0001", "h_count 3"])
  }

  @Test func `labels of many series stand one behind the other`() {
    var labels = LabelText()
    labels.add("a", "x\\")
    labels.add("b", "y")
    let end = labels.bytes.count
    labels.next()
    labels.add("a", "z")
    #expect(String(decoding: labels.bytes[..<end], as: UTF8.self) == #"a="x\\",b="y""#)
    #expect(String(decoding: labels.bytes[end...], as: UTF8.self) == #"a="z""#)
  }

  @Test func `a page is written again into the same memory`() {
    var page = Exposition()
    page.build(version: "1")
    let first = page.bytes
    page.clear()
    #expect(page.bytes.isEmpty && page.bytes.capacity >= first.count)
    page.build(version: "1")
    #expect(page.bytes == first)
  }

  /// Every line of a full page is HELP, TYPE or a sample of the metric of the last TYPE, and no series is
  /// on it twice.
  @Test func `a full page is well-formed`() throws {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    loop.began()
    for tenant in ["a", "b \"quoted\"", "c\\"] {
      loop.finished(
        .of(tenant, firstTokenMs: 3, costNanodollars: 1, isEstimated: true))
      loop.refused(.of(tenant))
    }
    loop.called(.process, .ok)
    for stage in ProcessingStage.allCases { loop.worked(1_234, stage) }
    let page = Self.text { page in
      page.build(version: "0.1")
      page.traffic(registry)
      page.policy(
        PolicyStatus(revision: "abc", loadedAtMs: 1_700_000_000_123, tenants: 2, models: 1))
      var ship = ShipStatistics(target: "otlp://127.0.0.1:4317")
      ship.lastSuccessMs = 1_700_000_000_000
      page.shipping([ship, ShipStatistics(target: "stdout")])
      page.process(
        ProcessStatus(
          cpuSeconds: 1.25, residentBytes: 1, virtualBytes: 2, openFDs: 3, maxFDs: 4, threads: 5,
          startSeconds: 1_700_000_000.5))
    }
    try Self.check(page)
  }

  static func check(_ page: String) throws {
    let sample = try Regex(#"^([a-z_]+)(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? [0-9.]+$"#)
    var name = ""
    var seen: Set<Substring> = []
    #expect(page.last == "\n")
    for line in page.split(separator: "\n") {
      if line.hasPrefix("# HELP ") {
        name = String(line.split(separator: " ")[2])
        #expect(seen.insert(line.prefix { $0 != "\n" }).inserted)
        continue
      }
      if line.hasPrefix("# TYPE ") {
        #expect(line.split(separator: " ")[2] == name)
        continue
      }
      let match = try sample.wholeMatch(in: line)
      #expect(match != nil, "\(line)")
      #expect(line.hasPrefix(name), "\(line)")
      let series = line[..<line.lastIndex(of: " ")!]
      #expect(seen.insert(series).inserted, "\(line)")
      #expect(!series.contains(",}"), "\(line)")
    }
  }
}
