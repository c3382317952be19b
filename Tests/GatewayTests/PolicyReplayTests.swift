import EnvoyAPI
import Ledger
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

/// Recorded traffic, decided again by a policy that says other things of requests.
@Suite(.timeLimit(.minutes(2))) struct PolicyReplayTests {
  /// What one request with a bound of 100 was recorded as, and one that was refused for a field.
  private func records() throws -> [LedgerRecord] {
    let kept = try KeptGateway(keptPolicy())
    for fields in [#""max_tokens":100"#, #""fallbacks":["x"]"#] {
      let stream = kept.process()
      stream.send(Message.requestHeaders(Message.headers()))
      stream.send(Message.body(.requestBody, "{\"model\":\"llama\",\(fields)}"))
      stream.halfClose()
    }
    return try kept.close()
  }

  private func report(_ model: String, tokens: Int = 1000) throws -> ReplayReport {
    let policy = keptPolicy(tokens: tokens)
      .replacing("max_output_tokens: 100,", with: "max_output_tokens: 50, \(model)")
    let replay = PolicyReplay(try TestGateway.load(policy))
    for record in try records() { replay.apply(record) }
    return replay.report
  }

  @Test func `a refused field is left out, whatever the new policy says of it`() throws {
    for model in ["", #"allow_fields: ["fallbacks"],"#] {
      #expect(try report(model).notReplayed == ["unsupported_parameter": 1])
    }
  }

  @Test
  func `a bound above a lower maximum is unsure where it is refused, not where it is lowered`()
    throws
  {
    let refusing = try report("")
    #expect(
      refusing.rows.map(\.would) == [.unsure(reason: "invalid_value", limit: "max_output_tokens")])
    let clamping = try report(#"bound_above: "clamp","#)
    #expect(clamping.differing == 0 && clamping.replayed == 1)
    // It is charged the lowered bound: 50 and the prompt fit, 100 would not.
    #expect(try report(#"bound_above: "clamp","#, tokens: 70).differing == 0)
  }
}
