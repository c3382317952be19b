import Inference
import Ledger
import Quota
import Terms
import Testing

@testable import Books

/// A tenant that wants another one refused, or wants more than its limit for itself, by what its
/// answers teach.
@Suite(.timeLimit(.minutes(2))) struct EstimateAttackTests {
  /// No refill on the way, so that what is reserved and used stands in the counters.
  private static let policy = """
    {
      version: 1,
      auth: { api_key_headers: ["authorization"] },
      classes: { interactive: {} },
      models: {
        "llama": { class: "interactive", max_output_tokens: 4096, stream_usage: "as_asked",
          price_usd_per_million: { prompt: 1, completion: 2 }, routes: [{ name: "chat-v1" }] },
        "plain": { class: "interactive", stream_usage: "as_asked",
          price_usd_per_million: { prompt: 1, completion: 2 }, routes: [{ name: "chat-v1" }] },
      },
      tenants: {
        "bad": { hostnames: ["bad.example.com"], keys: [],
          allow: [{ paths: ["/v1/chat/completions"], models: ["*"] }],
          limits: [{ name: "teach", tokens: 100000000, per: "month" }] },
        "good": { hostnames: ["good.example.com"], keys: [],
          allow: [{ paths: ["/v1/chat/completions"], models: ["*"] }],
          limits: [{ name: "tpd", tokens: 20000, per: "day" }] },
        "rich": { hostnames: ["rich.example.com"], keys: [],
          allow: [{ paths: ["/v1/chat/completions"], models: ["*"] }],
          limits: [{ name: "usd", usd: 100, per: "month" }] },
      },
    }
    """

  private static func size(
    _ bytes: Int, bound: Int? = nil, model: String = "llama"
  ) -> RequestSize {
    RequestSize(
      model: model, textBytes: bytes, arrayNumbers: 0, choices: 1, statedBound: bound,
      maxOutputTokens: model == "llama" ? 4096 : nil, writesOutput: true)
  }

  private static func usage(_ prompt: Int, _ completion: Int, bytes: Int? = nil) -> MeteredUsage {
    var usage = MeteredUsage()
    usage.source = .reported
    usage.prompt = prompt
    usage.completion = completion
    usage.outputBytes = bytes ?? completion * 4
    return usage
  }

  /// A tenant's requests of one size that all end with the same usage.
  private static func teach(
    _ test: TestBooks, _ times: Int, tenant: String, _ size: RequestSize, _ usage: MeteredUsage
  ) throws {
    for number in 0..<times {
      guard case .admitted(let open, _) = try test.admit("t\(number)", tenant: tenant, size) else {
        Issue.record("the lesson is refused")
        return
      }
      _ = test.books.settle(
        open, as: .backendAnswer(status: 200, isWhole: true), metered: usage)
    }
  }

  private static func reserved(
    _ test: TestBooks, tenant: String, _ size: RequestSize
  ) throws -> (prompt: Int64?, completion: Int64?, amount: Int64?)? {
    let answer = try test.admit("r", tenant: tenant, size)
    guard case .admitted(let open, _) = answer else { return nil }
    _ = test.books.settle(open, as: .notReleased(status: nil))
    let record = open.record
    return (
      record.estimatedPromptTokens, record.reservedCompletionTokens, record.reserved.first?.amount
    )
  }

  @Test(arguments: [1, 2, 60, 600])
  func `prompts of one byte a token do not make another's ordinary prompt never fit`(
    times: Int
  ) throws {
    let test = try TestBooks(durability: .relaxed, policy: Self.policy)
    try Self.teach(test, times, tenant: "bad", Self.size(60_000, bound: 10), Self.usage(60_000, 5))
    // 40,000 bytes are 10,000 tokens at four bytes a token, of 20,000: at one byte they never fit.
    let good = try Self.reserved(test, tenant: "good", Self.size(40_000, bound: 100))
    #expect(good?.prompt == 10_000)
    #expect(test.close())
  }

  @Test
  func `short answers do not let long ones past the limit by more than the part that is named`()
    throws
  {
    let test = try TestBooks(durability: .relaxed, policy: Self.policy)
    // A little, cheaply: 120 answers of ten tokens.
    try Self.teach(test, 120, tenant: "good", Self.size(40, bound: 20), Self.usage(10, 10))
    var open: [OpenAdmission] = []
    for number in 0..<50 {
      let answer = try test.admit("long\(number)", tenant: "good", Self.size(40))
      if case .admitted(let admission, _) = answer { open.append(admission) }
    }
    // 17,600 tokens are left, and each request reserves a quarter of 4,096 at the least.
    #expect(open.count == 17)
    for admission in open {
      #expect(admission.record.reservedCompletionTokens == 1024)
      _ = test.books.settle(
        admission, as: .backendAnswer(status: 200, isWhole: true), metered: Self.usage(10, 4096))
    }
    let used = try #require(test.counter("tenant/good/tpd")?["used"])
    #expect(used < 20_000 * Int64(TokenEstimator.outputPartMin))
    #expect(test.close())
  }

  @Test(arguments: [0, 400], ["llama", "plain"])
  func `answers that report nothing do not lower what anybody reserves`(
    bytes: Int, model: String
  ) throws {
    let test = try TestBooks(durability: .relaxed, policy: Self.policy)
    let most: Int64 = model == "llama" ? 4096 : 1024
    let size = Self.size(4000, model: model)
    try Self.teach(test, 130, tenant: "bad", size, Self.usage(0, 0, bytes: bytes))
    try Self.teach(test, 130, tenant: "bad", size, Self.usage(1000, 0, bytes: bytes))
    for tenant in ["bad", "good"] {
      let reserved = try Self.reserved(test, tenant: tenant, size)
      #expect((1000...1001).contains(reserved?.prompt ?? 0) && reserved?.completion == most)
    }
    #expect(test.close())
  }

  @Test func `limits on money reserve the longest answer, whatever was learned`() throws {
    let test = try TestBooks(durability: .relaxed, policy: Self.policy)
    try Self.teach(test, 150, tenant: "rich", Self.size(400), Self.usage(100, 20))
    let reserved = try Self.reserved(test, tenant: "rich", Self.size(400))
    #expect(reserved?.completion == 1024)
    let prompt = try #require(reserved?.prompt)
    #expect((100...101).contains(prompt))
    #expect(reserved?.amount == prompt * 1000 + 4096 * 2000)
    // A bound that the client states is the longest answer.
    let stated = try Self.reserved(test, tenant: "rich", Self.size(400, bound: 30))
    #expect(stated?.amount == prompt * 1000 + 30 * 2000)
    #expect(test.close())
  }

  @Test func `a restart does not mix tenants' estimates`() throws {
    let files = GatedFiles()
    let first = try TestBooks(files, durability: .relaxed, policy: Self.policy)
    try Self.teach(first, 60, tenant: "bad", Self.size(60_000, bound: 10), Self.usage(60_000, 5))
    #expect(first.close())
    let second = try TestBooks(files, durability: .relaxed, policy: Self.policy)
    let bad = try #require(try Self.reserved(second, tenant: "bad", Self.size(4_000, bound: 1)))
    #expect((bad.prompt ?? 0) > 3_900)
    let good = try #require(try Self.reserved(second, tenant: "good", Self.size(4_000, bound: 1)))
    #expect(good.prompt == 1_000)
    #expect(second.close())
  }
}
