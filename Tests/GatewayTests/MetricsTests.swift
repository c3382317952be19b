import EnvoyAPI
import Foundation
import Ledger
import Metrics
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

/// What is counted of exchanges, and that it is what the books say.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
  private func ask(
    _ kept: KeptGateway, headers: [(String, String)] = [], body: String = chat
  ) -> (stream: TestStream, answer: ProcAnswer?) {
    let stream = kept.process()
    let first = stream.send(Message.requestHeaders(Message.headers(headers))).first
    if let first, first.immediateStatus != nil { return (stream, first) }
    return (stream, stream.send(Message.body(.requestBody, body)).first)
  }

  private func page(_ kept: KeptGateway) -> [String] {
    var page = MetricsPage(registry: kept.metrics, books: kept.books)
    return String(decoding: page.render(.init(version: "t")), as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  @Test func `a request that is served is counted when it is settled`() throws {
    let kept = try KeptGateway(keptPolicy())
    let (stream, _) = ask(kept)
    #expect(kept.metrics.totals.inflight == 1)
    #expect(kept.metrics.totals.requests == 0)
    kept.clock.advance(ms: 70)
    stream.send(
      Message.responseHeaders([(":status", "200"), ("content-type", "application/json")]))
    stream.send(Message.body(.responseBody, SettlementCase.usage, endOfStream: true))
    stream.halfClose()
    let totals = kept.metrics.totals
    #expect(totals.inflight == 0)
    #expect(totals.requests == 1)
    #expect(totals.promptTokens == 10 && totals.completionTokens == 5)
    #expect(totals.costNanodollars == UInt64(SettlementCase.usageNanos))
    let lines = page(kept)
    #expect(
      lines.contains(
        #"ai_gateway_requests_total{tenant="tenant-a",route="/v1/chat/completions","#
          + #"model_route="chat-v1",status="200",stream="false",class="interactive","#
          + #"origin="backend"} 1"#))
    #expect(
      lines.contains(
        #"ai_gateway_cached_prompt_tokens_total{tenant="tenant-a",model_route="chat-v1"} 4"#))
    #expect(
      lines.contains(
        #"ai_gateway_cost_usd_total{tenant="tenant-a",model_route="chat-v1"} 0.000025"#)
    )
    #expect(
      lines.contains(
        #"ai_gateway_request_duration_ms_sum{tenant="tenant-a",route="/v1/chat/completions","#
          + #"model_route="chat-v1"} 70"#))
    #expect(kept.metrics.routes.map(\.model) == ["llama"])
    #expect(!lines.contains { $0.hasPrefix("ai_gateway_usage_estimated_total{") })
    _ = try kept.close()
  }

  @Test func `a cut request is counted with its estimate`() throws {
    let kept = try KeptGateway(keptPolicy())
    ask(kept).stream.reset()
    #expect(kept.metrics.totals.promptTokens == UInt64(SettlementCase.estimate))
    let lines = page(kept)
    #expect(
      lines.contains(
        #"ai_gateway_usage_estimated_total{tenant="tenant-a",model_route="chat-v1"} 1"#))
    #expect(lines.contains { $0.contains(#"status="none""#) && $0.contains(#"origin="none""#) })
    _ = try kept.close()
  }

  @Test func `an answer that cannot be read is counted and said, by its reason`() throws {
    let kept = try KeptGateway(keptPolicy())
    for encoding in ["gzip", "br", "identity"] {
      let (stream, _) = ask(kept)
      stream.send(
        Message.responseHeaders([
          (":status", "200"), ("content-type", "text/plain"), ("content-encoding", encoding),
        ]))
      stream.send(Message.body(.responseBody, "hello", endOfStream: true))
      stream.halfClose()
    }
    let lines = page(kept)
    #expect(lines.contains(#"ai_gateway_usage_unread_total{reason="encoded"} 2"#))
    #expect(lines.contains(#"ai_gateway_usage_unread_total{reason="text"} 1"#))
    #expect(lines.contains(#"ai_gateway_usage_unread_total{reason="malformed"} 0"#))
    let said = kept.gateway.log.messages.filter { $0.contains("could not be read for its usage") }
    #expect(said.count == 3)
    #expect(Set(said).count == 2)
    _ = try kept.close()
  }

  @Test func `an answer with usage, and a refusal that is compressed, are not unread`() throws {
    let kept = try KeptGateway(keptPolicy())
    for (status, body) in [("200", SettlementCase.usage), ("400", "no")] {
      let (stream, _) = ask(kept)
      stream.send(
        Message.responseHeaders([
          (":status", status), ("content-type", "text/plain"), ("content-encoding", "gzip"),
        ]))
      stream.send(Message.body(.responseBody, body, endOfStream: true))
      stream.halfClose()
    }
    #expect(
      page(kept).filter { $0.hasPrefix("ai_gateway_usage_unread_total{") && !$0.hasSuffix(" 0") }
        == [])
    _ = try kept.close()
  }

  @Test func `a refusal by a limit says whose model it was, on record and in the page`() throws {
    let kept = try KeptGateway(keptPolicy(requests: 1))
    let (first, _) = ask(kept)
    #expect(ask(kept).answer?.immediateStatus == 429)
    first.halfClose()
    let refusal = try #require(kept.metrics.refusals.first)
    #expect(refusal.count == 1)
    #expect(refusal.latest.tenant == "tenant-a")
    #expect(refusal.latest.subject == "svc:one")
    #expect(refusal.latest.model == "llama")
    #expect(refusal.latest.trafficClass == "interactive")
    #expect(refusal.latest.stream == false)
    #expect(refusal.latest.reason == "rate_limit_exceeded")
    #expect(refusal.latest.limit == "rpd")
    #expect(refusal.latest.status == 429)
    #expect(refusal.latest.timeMs == kept.clock.nowMs)
    let denied = try #require(try kept.close().denials.first)
    #expect(denied.model == "llama")
    #expect(denied.trafficClass == "interactive")
    #expect(denied.stream == false)
    // It was given none.
    #expect(denied.modelRoute == nil)
    #expect(refusal.latest.requestID == denied.requestID)
  }

  @Test func `a bound that is too large is refused with its model on record`() throws {
    let kept = try KeptGateway(keptPolicy())
    let body = chat.dropLast() + #","max_tokens":101}"#
    #expect(ask(kept, body: String(body)).answer?.code == "invalid_value")
    #expect(try kept.close().denials.map(\.model) == ["llama"])
  }

  @Test func `an unknown model, host, path, method and key make no label of their own`() throws {
    let kept = try KeptGateway(keptPolicy())
    for number in 0..<20 {
      _ = ask(kept, body: chat.replacing("llama", with: "evil-\(number)"))
      _ = ask(kept, headers: [(":path", "/evil/\(number)")])
      _ = ask(kept, headers: [(":authority", "evil-\(number).example.com")])
      _ = ask(kept, headers: [(":method", "EVIL\(number)")])
      _ = ask(kept, headers: [("authorization", "Bearer evil-\(number)")])
      _ = ask(kept, headers: [("x-ai-tenant", "evil-\(number)")])
    }
    let lines = page(kept)
    #expect(!lines.contains { $0.contains("evil") || $0.contains("EVIL") })
    #expect(lines.count { $0.hasPrefix("ai_gateway_requests_total{") } <= 8)
    #expect(kept.metrics.refusals.allSatisfy { !"\($0)".contains("evil") })
    // Where no hostname is shared any may be used, and a forged header is taken out.
    #expect(kept.metrics.totals.denials == 80)
    #expect(try kept.close().denialCount == 80)
  }

  @Test func `work is measured for every kind of message`() throws {
    let kept = try KeptGateway(keptPolicy())
    let (stream, _) = ask(kept)
    stream.send(Message.responseHeaders([(":status", "200")]))
    stream.send(Message.body(.responseBody, "{}", endOfStream: true))
    stream.halfClose()
    let counts = page(kept).filter {
      $0.hasPrefix("ai_gateway_processing_duration_seconds_count")
    }
    #expect(counts.map(\.last) == ["1", "1", "1", "1", "0"])
    _ = try kept.close()
  }

  @Test func `an admission whose record fails is refused once, and nothing is in flight`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.files.fail(ENOSPC)
    let (stream, answer) = ask(kept)
    #expect(answer?.immediateStatus == 503)
    stream.halfClose()
    #expect(kept.metrics.totals.inflight == 0)
    #expect(kept.metrics.totals.requests == 1)
    #expect(kept.metrics.totals.denials == 1)
    #expect(page(kept).contains("ai_gateway_ledger_failures_total 0") == false)
    kept.files.fail(nil)
    kept.waitUntilWritable()
    expectOnce(kept, try kept.close())
  }

  /// What is counted, held against what is on record: by exchange, whatever was recorded of it.
  private func expectOnce(_ kept: KeptGateway, _ records: [LedgerRecord]) {
    let completions = records.completions.map(\.requestID)
    let refused = records.denials.map(\.requestID)
    let totals = kept.metrics.totals
    #expect(totals.requests == UInt64(Set(completions + refused).count))
    #expect(totals.denials == UInt64(refused.count))
    #expect(totals.inflight == 0)
    let families = ["requests", "denials"].map { family in
      page(kept).filter { $0.hasPrefix("ai_gateway_\(family)_total{") }
        .reduce(0) { $0 + (UInt64($1.split(separator: " ").last ?? "") ?? 0) }
    }
    #expect(families == [totals.requests, totals.denials])
  }

  @Test func `an answer of Envoy's own and then a record that fails are one exchange`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let (stream, answer) = ask(kept)
    #expect(answer == nil)
    #expect(kept.metrics.totals.inflight == 1)
    stream.send(Message.responseHeaders([(":status", "504")], endOfStream: true))
    // Whether it is on record is not known yet.
    #expect(kept.metrics.totals.inflight == 1)
    #expect(kept.metrics.totals.requests == 0)
    kept.files.fail(EIO)
    kept.files.open()
    kept.news.waitUntilUnavailable()
    kept.gateway.hears = true
    #expect(stream.receive().last?.immediateStatus == 503)
    stream.halfClose()
    #expect(kept.metrics.totals.inflight == 0)
    #expect(kept.metrics.refusals.map(\.latest.status) == [503])
    kept.files.fail(nil)
    kept.waitUntilWritable()
    let (next, _) = ask(kept)
    #expect(kept.metrics.totals.inflight == 1)
    next.halfClose()
    let records = try kept.close()
    #expect(records.completions.count == 1 && records.denials.count == 1)
    expectOnce(kept, records)
  }

  @Test func `an answer of Envoy's own is counted when its exchange is on record`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let (stream, _) = ask(kept)
    stream.send(Message.responseHeaders([(":status", "504")], endOfStream: true))
    kept.files.open()
    kept.gateway.hears = true
    stream.halfClose()
    #expect(page(kept).contains { $0.contains(#"status="504""#) && $0.hasSuffix(" 1") })
    let records = try kept.close()
    #expect(records.completions.map(\.httpStatus) == [504])
    expectOnce(kept, records)
  }

  @Test(arguments: ["ext_proc", "ext_authz"], [nil, EIO] as [Int32?])
  func `who leaves before the record is counted if it comes, and not if it fails`(
    _ filter: String, _ fault: Int32?
  ) throws {
    let kept = try KeptGateway(keptPolicy(enforceAt: filter))
    kept.gateway.hears = false
    kept.files.shut()
    if filter == "ext_proc" {
      ask(kept).stream.reset()
    } else {
      kept.gateway.leave(Message.check(Message.headers(), body: chat))
    }
    #expect(kept.metrics.totals.inflight == 1)
    kept.files.fail(fault)
    kept.files.open()
    kept.gateway.hears = true
    kept.gateway.pump()
    #expect(kept.gateway.loop.waitingCount == 0)
    #expect(kept.metrics.totals.requests == (fault == nil ? 1 : 0))
    kept.files.fail(nil)
    kept.waitUntilWritable()
    let records = try kept.close()
    #expect(records.completions.count == (fault == nil ? 1 : 0))
    expectOnce(kept, records)
  }

  @Test func `what ext_authz let through and ext_proc then refuses is one exchange`() throws {
    let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
    let answer = try #require(kept.gateway.check(Message.check(Message.headers(), body: chat)))
    #expect(answer.isAllowed)
    #expect(kept.metrics.totals.requests == 1)
    // The path is gone from the policy when the filter behind it looks.
    try kept.reload(
      keptPolicy(enforceAt: "ext_authz").replacing(#""/v1/chat/completions", "#, with: ""))
    let follow = kept.process().send(
      Message.requestHeaders(Message.headers()) { writer in
        Message.namespace("envoy.filters.http.ext_authz", &writer) {
          Message.structEntry("tollgate", answer.metadata, &$0)
        }
      })
    #expect(follow.map(\.immediateStatus) == [403])
    #expect(kept.metrics.totals.denials == 1)
    #expect(kept.metrics.refusals.map(\.latest.reason) == ["path_not_allowed"])
    let records = try kept.close()
    #expect(records.denials.map(\.requestID) == records.completions.map(\.requestID))
    expectOnce(kept, records)
  }

  @Test func `a request that ext_authz never decided is counted where ext_proc refuses it`() throws
  {
    let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
    #expect(
      kept.process().send(Message.requestHeaders(Message.headers())).first?.immediateStatus == 500)
    let records = try kept.close()
    #expect(records.denials.count == 1)
    expectOnce(kept, records)
  }

  @Test func `a Check that enforces is counted once, and timed`() throws {
    let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
    _ = kept.gateway.check(Message.check(Message.headers(), body: chat))
    _ = kept.gateway.check(
      Message.check(Message.headers(), body: chat.replacing("llama", with: "other")))
    let totals = kept.metrics.totals
    #expect(totals.requests == 2)
    #expect(totals.denials == 1)
    #expect(totals.inflight == 0)
    #expect(
      page(kept).contains(#"ai_gateway_processing_duration_seconds_count{phase="check"} 2"#))
    _ = try kept.close()
  }

  @Test func `commits are measured by the ledger's thread`() throws {
    let kept = try KeptGateway(keptPolicy())
    ask(kept).stream.halfClose()
    _ = try kept.close()
    #expect(kept.metrics.commitDurations.reading.count > 0)
  }
}
