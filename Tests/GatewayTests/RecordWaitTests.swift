import Books
import EnvoyAPI
import Foundation
import Ledger
import Terms
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

/// No request is let through before its record is on disk.
@Suite(.timeLimit(.minutes(2))) struct RecordWaitTests {
  /// Sends a request up to the message that decides it, whose replies it returns.
  private func ask(_ stream: TestStream, _ modes: (BodyMode, BodyMode)) -> [ProcAnswer] {
    stream.send(Message.requestHeaders(Message.headers(), modes: modes))
    return stream.send(Message.body(.requestBody, chat))
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `no reply before the record is on disk, the verdict after it`(_ mode: BodyMode) throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    #expect(ask(stream, (mode, .streamed)).isEmpty)
    #expect(stream.receive().isEmpty)
    #expect(kept.gateway.loop.waitingCount == 1)
    // What was told before is of older records.
    kept.gateway.loop.recordsEnded(.durable(upTo: 1))
    #expect(stream.receive().isEmpty)
    kept.files.open()
    kept.gateway.hears = true
    let answers = stream.receive()
    #expect(answers.first?.set["x-ai-model-route"] == "chat-v1")
    #expect(answers.map(\.kind) == (mode == .buffered ? [3] : [1, 3]))
    if mode == .fullDuplexStreamed { #expect(answers.last?.streamed == chat) }
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
    #expect(try kept.close().completions.count == 1)
  }

  @Test func `an uninspected path waits too, and its body behind it in order`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    let stream = kept.process()
    #expect(
      stream.send(
        Message.requestHeaders(
          Message.headers([(":path", "/files")]), modes: (.fullDuplexStreamed, .streamed))
      ).isEmpty)
    #expect(stream.send(Message.body(.requestBody, "one", endOfStream: false)).isEmpty)
    #expect(stream.send(Message.trailers(.requestTrailers, [("x-ai-tenant", "b")])).isEmpty)
    kept.gateway.hears = true
    let answers = stream.receive()
    #expect(answers.map(\.kind) == [1, 3, 5])
    #expect(answers[1].streamed == "one")
    #expect(answers[2].removed == ["x-ai-tenant"])
    stream.reset()
    _ = try kept.close()
  }

  @Test func `relaxed books let through at once`() throws {
    let kept = try KeptGateway(keptPolicy(), durability: .relaxed)
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    #expect(ask(stream, (.buffered, .streamed)).map(\.kind) == [3])
    #expect(kept.gateway.loop.waitingCount == 0)
    kept.files.open()
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
    let completion = try #require(try kept.close().completions.first)
    #expect(completion.usageSource == .estimated)
    #expect(completion.promptTokens ?? 0 > 0)
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `a record that fails is 503, charges nothing and is a denial`(_ mode: BodyMode) throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.fail(EIO)
    let stream = kept.process()
    #expect(ask(stream, (mode, .streamed)).isEmpty)
    kept.gateway.hears = true
    let answers = stream.receive()
    #expect(answers.count == 1)
    #expect(answers.first?.immediateStatus == 503)
    #expect(answers.first?.code == "ledger_unavailable")
    #expect(answers.first?.immediateHeaders["retry-after"] == "1")
    #expect(answers.first?.metadata["reason"] == "ledger_unavailable")
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
    #expect(kept.books.state.counters.isEmpty)
    #expect(kept.books.state.open.isEmpty)
    // Without a place to write nothing is reserved at all.
    let next = kept.process()
    #expect(ask(next, (mode, .streamed)).first?.code == "ledger_unavailable")
    #expect(kept.books.state.counters.isEmpty)
    kept.files.fail(nil)
    kept.waitUntilWritable()
    let healed = kept.process()
    #expect(ask(healed, (mode, .streamed)).first?.set["x-ai-tenant"] == "tenant-a")
    healed.halfClose()
    let records = try kept.close()
    #expect(records.admissions.count == 1)
    #expect(records.completions.map(\.requestID) == records.admissions.map(\.requestID))
    #expect(records.denials.map(\.reason) == ["ledger_unavailable", "ledger_unavailable"])
  }

  @Test func `news that an earlier record failed is not the next one's with its number`() throws {
    let kept = try KeptGateway(keptPolicy(concurrent: 1))
    kept.gateway.hears = false
    kept.files.fail(EIO)
    let first = kept.process()
    #expect(ask(first, (.buffered, .streamed)).isEmpty)
    kept.news.waitUntilUnavailable()
    kept.files.fail(nil)
    kept.waitUntilWritable()
    // Numbers are given out again: a checkpoint has taken the first one's, and fillers go on.
    var others: [TestStream] = []
    try kept.reload(keptPolicy(concurrent: 5))
    for _ in 0..<3 {
      others.append(kept.process())
      #expect(ask(others[others.count - 1], (.buffered, .streamed)).isEmpty)
    }
    kept.gateway.hears = true
    #expect(first.receive().first?.code == "ledger_unavailable")
    for other in others {
      #expect(other.receive().map(\.kind) == [3])
      other.halfClose()
      #expect(other.grpcStatus == 0)
    }
    #expect(kept.count("tenant/tenant-a/parallel", "held") == 0)
    let records = try kept.close()
    #expect(records.admissions.count == 3)
    #expect(records.completions.count == 3)
  }

  @Test func `an exchange that is reset while it waits is charged nothing and told nothing`() throws
  {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    #expect(ask(stream, (.buffered, .streamed)).isEmpty)
    stream.reset()
    kept.files.open()
    kept.gateway.hears = true
    #expect(stream.receive().isEmpty)
    #expect(kept.books.state.counters.allSatisfy { ($0["used"] ?? 0) == 0 })
    let records = try kept.close()
    let completion = try #require(records.completions.first)
    #expect(records.completions.count == 1)
    #expect(completion.usageSource == .none)
    #expect(completion.endReason == .cut)
    #expect(completion.charged.allSatisfy { $0.amount == 0 })
  }

  @Test func `an exchange that is half-closed while it waits ends behind its verdict`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    let stream = kept.process()
    #expect(ask(stream, (.buffered, .streamed)).isEmpty)
    stream.halfClose()
    // Never OK before the verdict: Envoy would let the request through.
    #expect(stream.grpcStatus == nil)
    kept.files.open()
    kept.gateway.hears = true
    #expect(stream.receive().map(\.kind) == [3])
    #expect(stream.grpcStatus == 0)
    let records = try kept.close()
    #expect(records.completions.map(\.usageSource) == [.estimated])
  }

  @Test func `an exchange that ends while it waits and whose record fails leaves nothing`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    kept.files.shut()
    kept.files.fail(ENOSPC)
    let stream = kept.process()
    #expect(ask(stream, (.buffered, .streamed)).isEmpty)
    stream.reset()
    kept.files.open()
    kept.gateway.hears = true
    kept.gateway.pump()
    #expect(kept.gateway.loop.waitingCount == 0)
    kept.files.fail(nil)
    kept.waitUntilWritable()
    #expect(kept.books.state.counters.isEmpty)
    let records = try kept.close()
    #expect(records.admissions.isEmpty)
    #expect(records.completions.isEmpty)
  }

  @Test func `an exchange whose held replies pass the stream's bound fails and is given back`()
    throws
  {
    let kept = try KeptGateway(keptPolicy())
    kept.gateway.hears = false
    let stream = kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([(":path", "/files")]), modes: (.fullDuplexStreamed, .streamed)))
    let piece = String(repeating: "x", count: 1 << 20)
    for _ in 0..<200 where stream.grpcStatus == nil {
      #expect(stream.send(Message.body(.requestBody, piece, endOfStream: false)).isEmpty)
    }
    #expect(stream.grpcStatus == 8)
    kept.gateway.hears = true
    kept.gateway.pump()
    #expect(kept.count("tenant/tenant-a/rpd", "used") == 0)
    #expect(try kept.close().completions.count == 1)
  }

  @Test func `ext_authz waits for its record, is charged the estimate once, and fails closed`()
    throws
  {
    let kept = try KeptGateway(keptPolicy(enforceAt: "ext_authz"))
    let headers = Message.headers([("content-length", String(chat.utf8.count))])
    let answer = try #require(kept.gateway.check(Message.check(headers, body: chat)))
    #expect(answer.isAllowed)
    #expect(kept.count("tenant/tenant-a/rpd", "used") == 1)
    let tokens = kept.count("tenant/tenant-a/tpd", "used")
    #expect(tokens > 100)
    // The filter behind it follows, and charges nothing again.
    let metadata = answer.metadata
    let stream = kept.process()
    let follow = stream.send(
      Message.requestHeaders(Message.headers()) { writer in
        Message.namespace("envoy.filters.http.ext_authz", &writer) {
          Message.structEntry("tollgate", metadata, &$0)
        }
      })
    #expect(follow.map(\.kind) == [1])
    stream.send(Message.responseHeaders())
    stream.halfClose()
    #expect(kept.count("tenant/tenant-a/rpd", "used") == 1)
    kept.files.fail(EIO)
    let refused = try #require(kept.gateway.check(Message.check(headers, body: chat)))
    #expect(refused.deniedStatus == 503)
    #expect(refused.code == "ledger_unavailable")
    kept.files.fail(nil)
    kept.waitUntilWritable()
    #expect(kept.count("tenant/tenant-a/rpd", "used") == 1)
    #expect(kept.count("tenant/tenant-a/tpd", "used") == tokens)
    let records = try kept.close()
    #expect(records.admissions.count == 1)
    #expect(records.completions.count == 1)
    #expect(records.completions.first?.usageSource == .estimated)
    #expect(records.completions.first?.costNanodollars ?? 0 > 200_000)
    #expect(records.denials.map(\.reason) == ["ledger_unavailable"])
  }
}
