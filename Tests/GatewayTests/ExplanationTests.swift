import Testing

@testable import Gateway

/// `explain` says what the gateway would.
@Suite struct ExplanationTests {
  private func explain(
    _ policy: String, headers: [(name: String, value: String)] = [], body: String
  ) throws -> Explanation {
    try TestGateway.load(policy).explain(
      host: "a.example.com", method: "POST", path: "/v1/chat/completions",
      headers: [("authorization", "Bearer key-one")] + headers, body: Array(body.utf8),
      nowSeconds: testNowSeconds)
  }

  @Test func `a content-type that is not given is assumed, and that is said`() throws {
    let body = #"{"model":"llama","max_tokens":5}"#
    let assumed = try explain(keptPolicy(), body: body)
    #expect(assumed.status == 200)
    #expect(assumed.steps.contains { $0.step == "content-type" && $0.outcome.contains("415") })
    let given = try explain(
      keptPolicy(), headers: [("content-type", "application/json")], body: body)
    #expect(given.status == 200)
    #expect(!given.steps.contains { $0.step == "content-type" })
    let wrong = try explain(keptPolicy(), headers: [("content-type", "text/plain")], body: body)
    #expect(wrong.status == 415)
  }

  @Test func `fields beside the model are told, and why they are refused`() throws {
    let refused = try explain(keptPolicy(), body: #"{"model":"llama","fallbacks":["x"]}"#)
    #expect(refused.status == 400)
    #expect(refused.verdict.contains("unsupported_parameter: The field fallbacks"))
    #expect(refused.steps.contains { $0.outcome.contains("needs allow_fields: fallbacks") })
    let clamped = keptPolicy().replacing(
      "max_output_tokens: 100,", with: #"max_output_tokens: 100, bound_above: "clamp","#)
    let allowed = try explain(
      clamped, body: #"{"model":"llama","max_tokens":64000,"n_predict":7,"prompt":["a","b"]}"#)
    #expect(allowed.status == 200)
    for outcome in [
      "at most 100 tokens an answer", "the body's bound becomes 100", "7 tokens in a field",
      "2 prompts", "200 of the answer",
    ] {
      #expect(allowed.steps.contains { $0.outcome.contains(outcome) }, "\(outcome)")
    }
  }

  @Test func `limits are listed with what the policy says of the store's loss`() throws {
    let body = #"{"model":"llama","max_tokens":5}"#
    let plain = try explain(keptPolicy(), body: body)
    #expect(plain.steps.contains { $0.step == "limits" && !$0.outcome.contains("on_store_loss") })
    for loss in ["lease", "deny", "local", "allow"] {
      let policy = keptPolicy().replacing(
        "per: \"day\"", with: "per: \"day\", on_store_loss: \"\(loss)\"")
      let found = try explain(policy, body: body)
      #expect(
        found.steps.contains {
          $0.step == "limits" && $0.outcome.contains("tpd (tenant, on_store_loss \(loss))")
        }, "\(found)")
    }
  }

  @Test func `what can never fit a limit is refused as it would be`() throws {
    for (tokens, bound, status) in [(100, 50, 200), (50, 100, 429)] {
      let found = try explain(
        keptPolicy(tokens: tokens), body: #"{"model":"llama","max_tokens":\#(bound)}"#)
      #expect(found.status == status, "\(found)")
      #expect(found.verdict.contains("tpd") == (status == 429))
      #expect(found.steps.contains { $0.step == "reserve" } == (status == 200))
    }
    // A bound that is ours to set is cut to what fits.
    #expect(try explain(keptPolicy(tokens: 50), body: #"{"model":"llama"}"#).status == 200)
  }
}
