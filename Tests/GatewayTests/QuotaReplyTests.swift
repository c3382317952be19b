import Books
import EnvoyAPI
import Foundation
import Inference
import Ledger
import Terms
import Testing

@testable import Gateway
@testable import Policy
@testable import Quota

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

/// What clients are told of their limits.
@Suite(.timeLimit(.minutes(2))) struct QuotaReplyTests {
  private func ask(
    _ kept: KeptGateway, path: String = "/v1/chat/completions", body: String = chat
  ) -> (stream: TestStream, answer: ProcAnswer?) {
    let stream = kept.process()
    stream.send(Message.requestHeaders(Message.headers([(":path", path)])))
    return (stream, stream.send(Message.body(.requestBody, body)).first)
  }

  @Test func `a spent budget is insufficient_quota, with headers, until its reset`() throws {
    let kept = try KeptGateway(keptPolicy(requests: 1))
    let (first, admitted) = ask(kept)
    #expect(admitted?.set["x-ai-tenant"] == "tenant-a")
    // Reserved and not settled: it may come back.
    let (_, waiting) = ask(kept)
    #expect(waiting?.code == "rate_limit_exceeded")
    #expect(waiting?.immediateStatus == 429)
    let headers = first.send(Message.responseHeaders([(":status", "200")])).first?.set
    #expect(headers?["x-ratelimit-limit-requests"] == "1")
    #expect(headers?["x-ratelimit-remaining-requests"] == "0")
    #expect(headers?["x-ratelimit-reset-requests"] == "24h0m0s")
    #expect(headers?["x-ratelimit-limit-tokens"] == "10000000")
    #expect(headers?["x-ratelimit-remaining-tokens"] != nil)
    #expect(headers?["x-ratelimit-reset-tokens"] == "24h0m0s")
    first.halfClose()
    let (refused, answer) = ask(kept)
    #expect(answer?.immediateStatus == 429)
    #expect(answer?.code == "insufficient_quota")
    #expect(answer?.immediateHeaders["x-should-retry"] == "false")
    // Clients would sleep that long.
    #expect(answer?.immediateHeaders["retry-after"] == nil)
    #expect(answer?.immediateHeaders["x-ratelimit-reset-requests"] == "24h0m0s")
    #expect(answer?.immediateBody.contains(#""type":"insufficient_quota""#) == true)
    #expect(answer?.immediateHeaders["x-ratelimit-remaining-requests"] == "0")
    refused.halfClose()
    #expect(refused.grpcStatus == 0)
    kept.clock.advance(ms: 86_400_000)
    let (next, again) = ask(kept)
    #expect(again?.set["x-ai-tenant"] == "tenant-a")
    next.halfClose()
    let records = try kept.close()
    #expect(records.denials.map(\.limit) == ["rpd", "rpd"])
    #expect(records.admissions.count == 2)
    #expect(records.completions.count == 2)
  }

  @Test func `a stated bound that never fits is refused for good, an unstated one is cut`() throws {
    let kept = try KeptGateway(keptPolicy(tokens: 50))
    let stated = chat.dropLast() + #","max_tokens":60}"#
    let (_, never) = ask(kept, body: String(stated))
    #expect(never?.immediateStatus == 429)
    #expect(never?.immediateHeaders["x-should-retry"] == "false")
    #expect(never?.immediateHeaders["retry-after"] == nil)
    #expect(kept.books.state.counters.isEmpty)
    let (cut, admitted) = ask(kept)
    #expect(admitted?.set["x-ai-tenant"] == "tenant-a")
    #expect(kept.count("tenant/tenant-a/tpd", "reserved") == 50)
    cut.halfClose()
    _ = try kept.close()
  }

  @Test func `a restart keeps the counts, under the amounts of its own policy`() throws {
    let kept = try KeptGateway(keptPolicy(requests: 1))
    ask(kept).stream.halfClose()
    #expect(ask(kept).answer?.immediateStatus == 429)
    _ = try kept.close()
    let again = try KeptGateway(keptPolicy(requests: 2), files: kept.files)
    let (second, admitted) = ask(again)
    #expect(admitted?.set["x-ai-tenant"] == "tenant-a")
    second.halfClose()
    #expect(ask(again).answer?.code == "insufficient_quota")
    _ = try again.close()
  }

  @Test func `a restart knows what was learned of a model's tokens`() throws {
    let kept = try KeptGateway(keptPolicy())
    let (stream, _) = ask(kept)
    stream.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]))
    stream.send(
      Message.body(.responseBody, #"{"usage":{"prompt_tokens":3,"completion_tokens":7}}"#))
    stream.halfClose()
    let learned = kept.books.state.estimates
    #expect(learned.map(\.model) == ["llama"])
    _ = try kept.close()
    let again = try KeptGateway(keptPolicy(), files: kept.files)
    #expect(again.books.state.estimates == learned)
    _ = try again.close()
    // Nothing new was learned, and what is known stays known.
    let third = try KeptGateway(keptPolicy(), files: kept.files)
    #expect(third.books.state.estimates == learned)
    _ = try third.close()
  }

  @Test func `a slot comes back with the end of its exchange`() throws {
    let kept = try KeptGateway(keptPolicy(concurrent: 1))
    let (first, _) = ask(kept)
    let (_, refused) = ask(kept)
    #expect(refused?.immediateStatus == 429)
    #expect(refused?.immediateHeaders["retry-after"] == "1")
    first.reset()
    let (next, admitted) = ask(kept)
    #expect(admitted?.set["x-ai-tenant"] == "tenant-a")
    next.reset()
    _ = try kept.close()
  }

  @Test func `anthropic's headers have moments, also for a debt of more than a year`() throws {
    let kept = try KeptGateway(keptPolicy(tokens: 10_000_000_000, tokensPerHour: 200))
    let (stream, _) = ask(kept, path: "/v1/messages")
    let set = stream.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "application/json")])
    ).first?.set
    #expect(set?["anthropic-ratelimit-tokens-limit"] == "200")
    #expect(set?["anthropic-ratelimit-requests-remaining"] == "999")
    #expect(set?["anthropic-ratelimit-requests-reset"] == "2026-11-02T00:00:00.000Z")
    stream.send(
      Message.body(
        .responseBody, #"{"usage":{"input_tokens":2147483648,"output_tokens":2147483648}}"#))
    stream.halfClose()
    let (_, refused) = ask(kept, path: "/v1/messages")
    #expect(refused?.immediateStatus == 429)
    #expect(refused?.immediateBody.contains("rate_limit_error") == true)
    let reset = refused?.immediateHeaders["anthropic-ratelimit-tokens-reset"]
    #expect(reset?.hasPrefix("2027-12") == true, "\(reset ?? "none")")
    _ = try kept.close()
  }

  @Test func `a wait longer than all calendars is its last moment`() {
    let headers = RateLimitHeaders(
      shares: .init(
        requests: nil, tokens: .init(limit: 1, remaining: 0, resetMilliseconds: .max)),
      nowMs: testNowSeconds * 1000, anthropic: true)
    #expect(
      headers.list.last.map { String(decoding: $0.value, as: UTF8.self) }
        == "9999-12-31T23:59:59.999Z")
    #expect(RateLimitHeaders.duration(.max).hasPrefix("2562047788015h"))
  }

  @Test func `a cost beyond all money is the end of the scale`() throws {
    var usage = MeteredUsage()
    usage.prompt = 3 << 31
    usage.cachedPrompt = 1 << 31
    usage.completion = 1 << 31
    let prices = Prices(
      promptNanos: 1 << 40, cachedPromptNanos: 1 << 40, cacheWritePromptNanos: 1 << 40,
      completionNanos: 1 << 40, perRequestNanos: 1)
    #expect(prices.cost(of: usage).nanoDollars == .max)
  }
}
