import Testing

@testable import Server

struct ArgumentParserTests {
  private static let command = CommandSpecification(
    "try", "Tries.", positionals: [.init("FROM"), .init("TO", isRequired: false)],
    flags: [
      Flag("loud", .toggle, "makes noise"), Flag("name", .value("NAME"), "a name"),
      Flag("place", .list("PLACE", splitsAtCommas: true), "a place"),
      Flag("line", .list("LINE", splitsAtCommas: false), "a line"),
      Flag("count", .value("N"), "a number"), Flag("size", .value("SIZE"), "a size"),
      Flag("wait", .value("DURATION"), "a duration"),
    ])

  private func parse(
    _ arguments: [String], _ environment: [String: String] = [:]
  ) -> ParsedArguments {
    ArgumentParser.parse(Self.command, arguments: arguments, environment: environment)
  }

  /// The values of a flag, as they were given.
  private func texts(_ name: String, _ parsed: ParsedArguments) -> [String] {
    var parsed = parsed
    return parsed.values(name, expected: { _ in "" }, { $0 })
  }

  @Test func `flags, values and arguments are told apart`() {
    let parsed = parse(["a", "--loud", "--name", "x", "--place=p,q", "--place", "r", "b"])
    #expect(parsed.problems == [])
    #expect(parsed.positionals == ["a", "b"])
    #expect(parsed.toggle("loud"))
    #expect(parsed.text("name") == "x")
    #expect(texts("place", parsed) == ["p", "q", "r"])
  }

  @Test func `a value may hold an equals sign, commas where they mean nothing, and be a dash`() {
    let parsed = parse(["a", "--name=k=v", "--line", "x: 1, 2", "--line", "-"])
    #expect(parsed.problems == [])
    #expect(parsed.text("name") == "k=v")
    #expect(texts("line", parsed) == ["x: 1, 2", "-"])
  }

  @Test func `after two dashes everything is an argument`() {
    let parsed = parse(["--", "--loud", "-x"])
    #expect(parsed.problems == [])
    #expect(parsed.positionals == ["--loud", "-x"])
    #expect(!parsed.toggle("loud"))
  }

  @Test(arguments: [
    (["a", "--name"], UsageProblem.valueMissing(.flag("name"))),
    (["a", "--name", "--loud"], .valueMissing(.flag("name"))),
    (["a", "--name="], .valueEmpty(.flag("name"))),
    (["a", "--name", ""], .valueEmpty(.flag("name"))),
    (["a", "--place", "p,,q"], .valueEmpty(.flag("place"))),
    (["a", "--loud=yes"], .valueNotTaken(.flag("loud"))),
    (["a", "--name", "x", "--name", "y"], .givenTwice(.flag("name"))),
    (["a", "--loud", "--loud"], .givenTwice(.flag("loud"))),
    (["a", "--nmae", "x"], .unknownFlag("--nmae", suggestion: "--name")),
    (["a", "--zzzzzz"], .unknownFlag("--zzzzzz", suggestion: nil)),
    (["a", "-l"], .unknownFlag("-l", suggestion: nil)),
    ([], .argumentMissing("FROM")), (["a", "b", "c"], .unexpectedArgument("c")),
  ])
  func `each mistake is a problem`(arguments: [String], problem: UsageProblem) {
    #expect(parse(arguments).problems.first == problem)
  }

  @Test func `every problem is found in one run`() {
    let parsed = parse(["--nope", "--loud=1", "--name"])
    #expect(parsed.problems.count == 4)
  }

  @Test func `a flag that is not given is read from the environment, and the flag wins`() {
    let environment = [
      "TOLLGATE_NAME": "e", "TOLLGATE_PLACE": "p,q", "TOLLGATE_LOUD": "on", "TOLLGATE_COUNT": "",
    ]
    let both = parse(["a", "--name", "f"], environment)
    #expect(both.text("name") == "f")
    #expect(texts("place", both) == ["p", "q"])
    #expect(both.toggle("loud"))
    #expect(!both.isGiven("count"))
    #expect(!parse(["a"], ["TOLLGATE_LOUD": "0"]).toggle("loud"))
    #expect(
      parse(["a"], ["TOLLGATE_LOUD": "perhaps"]).problems
        == [
          .invalid(.environment("TOLLGATE_LOUD"), value: "perhaps", expected: "true or false")
        ])
  }

  @Test func `numbers, sizes and durations are checked against their bounds`() {
    var good = parse(["a", "--count", "5", "--size", "64KiB", "--wait", "1h30m"])
    #expect(good.integer("count", default: 1, in: 1...5) == 5)
    #expect(good.byteSize("size", default: 1, in: 1...65_536) == 65_536)
    #expect(good.duration("wait", default: .zero, in: .zero ... .seconds(5400)) == .seconds(5400))
    #expect(good.problems == [])
    var bad = parse(["a", "--count", "6", "--size", "65537", "--wait", "5401s"])
    #expect(bad.integer("count", default: 1, in: 1...5) == 1)
    #expect(bad.byteSize("size", default: 1, in: 1...65_536) == 1)
    #expect(bad.duration("wait", default: .zero, in: .zero ... .seconds(5400)) == .zero)
    #expect(bad.problems.count == 3)
  }

  @Test func `with --help nothing else is a problem`() {
    #expect(parse(["--help", "--nope"]).asksForHelp)
    #expect(parse(["-h"]).problems == [])
    #expect(Self.command.help.contains("usage: tollgate try FROM [TO] [flags]"))
  }

  @Test func `a command that is nearly right is suggested`() {
    let commands = [CommandSpecification("serve", ""), CommandSpecification("lint", "")]
    #expect(throws: UsageProblem.unknownCommand("sevre", suggestion: "serve")) {
      try ArgumentParser.command("sevre", among: commands)
    }
    #expect(throws: UsageProblem.unknownCommand("dance", suggestion: nil)) {
      try ArgumentParser.command("dance", among: commands)
    }
  }
}

struct ValueTextTests {
  @Test(arguments: [
    ("150s", Duration.seconds(150)), ("2m", .seconds(120)), ("1h30m", .seconds(5400)),
    ("500ms", .milliseconds(500)), ("30d", .seconds(2_592_000)), ("1s1ms", .milliseconds(1001)),
    ("0s", .zero), ("36500d", .seconds(3_153_600_000)),
  ])
  func `a duration is read, and written so that it reads the same`(text: String, value: Duration) {
    #expect(DurationText.parse(text) == value)
    #expect(DurationText.parse(DurationText.string(value)) == value)
  }

  @Test(arguments: [
    "", "5", "s", "5x", "1m1h", "1s1s", "-5s", "1.5s", " 5s", "5 s", "36501d",
    "99999999999999999999s", "9223372036854775807d", "1h30", "5S", "٥s",
  ])
  func `what is no duration is refused`(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [
    ("0", 0), ("65536", 65_536), ("1B", 1), ("64KiB", 65_536), ("64MiB", 67_108_864),
    ("2GiB", 2_147_483_648), ("64kB", 64_000), ("1MB", 1_000_000), ("1GB", 1_000_000_000),
    ("8589934591GiB", 9_223_372_035_781_033_984),
  ])
  func `a size is read, and written so that it reads the same`(text: String, value: Int) {
    #expect(ByteSizeText.parse(text) == value)
    #expect(ByteSizeText.parse(ByteSizeText.string(value)) == value)
  }

  @Test(arguments: ["", "B", "5kb", "5K", "-1", "1.5MiB", "5 MiB", "8589934592GiB", "x"])
  func `what is no size is refused`(text: String) {
    #expect(ByteSizeText.parse(text) == nil)
  }

  @Test func `a name's neighbour is found, and nothing far away`() {
    let names = ["serve", "check", "explain"]
    #expect(NearestName.of("chekc", among: names) == "check")
    #expect(NearestName.of("explian", among: names) == "explain")
    #expect(NearestName.of("serv", among: names) == "serve")
    #expect(NearestName.of("audit", among: names) == nil)
    #expect(NearestName.distance(Array("abc".utf8), Array("acb".utf8)) == 1)
    #expect(NearestName.distance([], Array("abc".utf8)) == 3)
  }
}
