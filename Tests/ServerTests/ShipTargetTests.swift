import Books
import Gateway
import Ledger
import Shipping
import Testing

@testable import Server

/// What `--ship` takes, and what it says of what it does not.
@Suite struct ShipTargetTests {
  @Test(
    arguments: [
      (
        "otlp://collector.observability.svc:4317",
        .otlp(host: "collector.observability.svc", port: 4317)
      ),
      ("otlp://127.0.0.1:4317/", .otlp(host: "127.0.0.1", port: 4317)),
      ("otlp://[::1]:4317", .otlp(host: "::1", port: 4317)),
      ("otlp+unix:/run/otel/otlp.sock", .otlpUnix(path: "/run/otel/otlp.sock")),
      ("tcp://logs:6514", .tcp(host: "logs", port: 6514)),
      ("stdout", .standardOutput),
    ] as [(String, ShipTarget.Place)])
  func `A target is read, and named without its options`(
    text: String, place: ShipTarget.Place
  ) throws {
    #expect(try ShipTarget(text) == ShipTarget(place))
    let named = try ShipTarget(text + "?on_full=drop&batch=10&bytes=64KiB&age=2s&timeout=3s")
    #expect(named.description == ShipTarget(place).description)
    #expect(named.onFull == .drop && named.timeout == .seconds(3))
    #expect(named.batch.recordsMax == 10 && named.batch.bytesMax == 64 << 10)
    #expect(named.batch.ageMax == .seconds(2))
  }

  @Test(
    arguments: [
      ("", .unknownKind), ("http://a:1", .unknownKind), ("otlp:a:1", .unknownKind),
      ("STDOUT", .unknownKind), ("otlp://", .hostMissing), ("otlp://:4317", .hostMissing),
      ("otlp://collector", .portMissing), ("otlp://[::1]", .portMissing),
      ("otlp://a:0", .portInvalid("0")), ("tcp://a:65536", .portInvalid("65536")),
      ("tcp://a:+1", .portInvalid("+1")), ("tcp://a:", .portInvalid("")),
      ("otlp://::1:4317", .bracketsMissing("::1")), ("otlp://[1]:4317", .hostInvalid("1")),
      ("otlp://user@host:4317", .hostInvalid("user@host")),
      ("otlp+unix:relative", .pathMissing), ("otlp+unix:/", .pathMissing),
      ("stdout?on_full=maybe", .optionInvalid("on_full", value: "maybe", expected: "hold or drop")),
      ("stdout?on_full", .optionInvalid("on_full", value: "", expected: "hold or drop")),
      ("stdout?x=1", .optionUnknown("x")), ("stdout?age=1s&age=1s", .optionRepeated("age")),
    ] as [(String, ShipTarget.Problem)])
  func `What is no target says why`(text: String, problem: ShipTarget.Problem) {
    #expect(throws: problem) { try ShipTarget(text) }
    #expect(!problem.description.isEmpty)
  }

  @Test(arguments: [
    ("batch", "1", "8192", "0", "8193"), ("bytes", "1KiB", "64MiB", "1023", "67108865"),
    ("age", "0s", "60s", "-1s", "60s1ms"), ("timeout", "100ms", "300s", "99ms", "300s1ms"),
  ])
  func `Options have bounds`(
    name: String, least: String, most: String, under: String, over: String
  ) throws {
    for value in [least, most] { _ = try ShipTarget("stdout?\(name)=\(value)") }
    for value in [under, over] {
      #expect(throws: ShipTarget.Problem.self) { try ShipTarget("stdout?\(name)=\(value)") }
    }
  }

  @Test func `A path as long as a socket's is taken, and one byte more is not`() throws {
    let path = "/" + String(repeating: "a", count: 106)
    _ = try ShipTarget("otlp+unix:" + path)
    #expect(throws: ShipTarget.Problem.pathTooLong(bytes: 108)) {
      try ShipTarget("otlp+unix:" + path + "a")
    }
  }

  private func read(_ arguments: [String]) -> (ServeSettings, [UsageProblem]) {
    var parsed = ArgumentParser.parse(
      ServeSettings.specification, arguments: arguments, environment: [:])
    let settings = ServeSettings(&parsed)
    return (settings, parsed.problems)
  }

  @Test func `Targets come one by one or with commas, each once, at most sixteen`() {
    let (settings, problems) = read(["--policy=p", "--ship=stdout,tcp://a:1", "--ship=tcp://a:2"])
    #expect(problems.isEmpty && settings.ship.count == 3 && settings.books.ledger.isShipped)
    #expect(read(["--policy=p"]).0.books.ledger.isShipped == false)
    #expect(read(["--policy=p", "--ship=stdout,stdout?age=2s"]).1.count == 1)
    let many = (1...16).map { "tcp://a:\($0)" }.joined(separator: ",")
    #expect(read(["--policy=p", "--ship=\(many)"]).1.isEmpty)
    #expect(read(["--policy=p", "--ship=\(many),stdout"]).1.count == 1)
  }
}
