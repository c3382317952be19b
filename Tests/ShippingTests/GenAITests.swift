import Bytes
import Foundation
import Ledger
import Terms
import Testing

@testable import Shipping

/// The attributes of OpenTelemetry's conventions for generative AI, by their names and types.
@Suite struct GenAITests {
  /// From the conventions' registry (model/gen-ai/registry.yaml and model/error/registry.yaml of
  /// open-telemetry/semantic-conventions, read in November 2026): each attribute that is written, and its
  /// type there.
  private static let registry: [String: String] = [
    "gen_ai.operation.name": "string", "gen_ai.provider.name": "string",
    "gen_ai.request.model": "string", "gen_ai.response.finish_reasons": "string[]",
    "gen_ai.usage.input_tokens": "int", "gen_ai.usage.output_tokens": "int",
    "error.type": "string",
  ]
  /// The values of `gen_ai.operation.name` that the conventions name.
  private static let operations: Set<String> = ["chat", "text_completion", "embeddings"]

  private func attributes(_ body: LedgerRecord.Body) throws -> [JSONValue.Member] {
    var line = LedgerRecord(seq: 1, timeMs: 0, body: body).encoded()
    var chain = Chain()
    chain.seal(&line)
    guard case .object(let members) = try LedgerFormat.json(Array(line.dropLast())) else {
      return []
    }
    return GenAIAttributes.of(LedgerRecord(seq: 1, timeMs: 0, body: body).type, members)
  }

  private func texts(_ body: LedgerRecord.Body) throws -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: try attributes(body).map { member in
        switch member.value {
        case .string(let text): (member.name, "string \(text)")
        case .number(let text): (member.name, "int \(text)")
        case .array(let elements): (member.name, "string[] \(elements)")
        default: (member.name, "\(member.value)")
        }
      })
  }

  private func completion(
    _ source: UsageSource = .reported, status: Int64? = 200,
    end: Completion.EndReason = .complete
  ) -> Completion {
    Completion(
      requestID: "r", model: "llama3-8b", operation: .chat, provider: "openai",
      httpStatus: status, promptTokens: 12, completionTokens: 34, usageSource: source,
      endReason: end, finishReason: .stop)
  }

  @Test func `a completion has all of them, with the types of the registry`() throws {
    let got = try texts(.completion(completion(status: 429, end: .failed)))
    #expect(Set(got.keys) == Set(Self.registry.keys))
    for (name, text) in got {
      let type = try #require(Self.registry[name])
      #expect(text.hasPrefix(type + " "), "\(name) is \(text)")
    }
    #expect(got["gen_ai.operation.name"] == "string chat")
    #expect(got["gen_ai.provider.name"] == "string openai")
    #expect(got["gen_ai.request.model"] == "string llama3-8b")
    #expect(got["gen_ai.usage.input_tokens"] == "int 12")
    #expect(got["gen_ai.usage.output_tokens"] == "int 34")
    #expect(got["gen_ai.response.finish_reasons"] == "string[] [Bytes.JSONValue.string(\"stop\")]")
    #expect(got["error.type"] == "string 429")
  }

  @Test func `an admission has what is known before the answer`() throws {
    let letThrough = Admission(
      requestID: "r", decision: .allow, model: "m", operation: .embeddings, policy: "p")
    #expect(
      try texts(.admission(letThrough)) == [
        "gen_ai.operation.name": "string embeddings", "gen_ai.request.model": "string m",
      ])
    let refused = Admission(
      requestID: "r", decision: .deny, operation: .chat, reason: "insufficient_quota",
      httpStatus: 429, policy: "p")
    #expect(try texts(.admission(refused))["error.type"] == "string insufficient_quota")
  }

  @Test func `estimates are no reported usage, and an end in order is no error`() throws {
    let got = try texts(.completion(completion(.estimated)))
    #expect(got["gen_ai.usage.input_tokens"] == nil)
    #expect(got["error.type"] == nil)
    for end in [Completion.EndReason.cut, .interrupted, .failed] {
      let got = try texts(.completion(completion(end: end)))
      #expect(got["error.type"] == "string \(end.rawValue)")
    }
  }

  @Test func `what is no operation of a model has none`() throws {
    let listing = Completion(requestID: "r", usageSource: .none, endReason: .complete)
    #expect(try attributes(.completion(listing)).isEmpty)
    #expect(try attributes(.stop(ProcessEvent(policy: "p", version: "v"))).isEmpty)
    #expect(GenAIAttributes.of("completion", []).isEmpty)
    // A line may say anything: what has another type is left out.
    let odd: [JSONValue.Member] = [
      .init(name: "operation", value: .string("chat")), .init(name: "provider", value: .null),
      .init(name: "usage_source", value: .string("reported")),
      .init(name: "prompt_tokens", value: .string("1")),
      .init(name: "http_status", value: .number("1e400")),
      .init(name: "end_reason", value: .bool(true)),
    ]
    #expect(GenAIAttributes.of("completion", odd).map(\.name) == ["gen_ai.operation.name"])
  }

  @Test func `operations that the conventions name have their names`() {
    #expect(Self.operations.isSubset(of: GenAIOperation.allCases.map(\.rawValue)))
  }
}
