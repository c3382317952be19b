import Books
import Bytes
import EnvoyAPI
import Ledger
import Quota
import Testing

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

/// Exchanges that wait for a store which never answers: their time ends, and `on_store_loss` decides.
@Suite(.timeLimit(.minutes(2))) struct StoreWaitTests {
  private struct Gateway {
    let kept: KeptGateway
    let told = Locked<[UInt64]>([])

    init(_ onLoss: String, enforceAt: String = "ext_proc") throws {
      let policy = keptPolicy(enforceAt: enforceAt)
        .replacing("per: \"day\" }", with: "per: \"day\", on_store_loss: \"\(onLoss)\" }")
        .replacing("per: \"month\" }", with: "per: \"month\", on_store_loss: \"\(onLoss)\" }")
        .replacing("concurrent: 1000 }", with: "concurrent: 1000, on_store_loss: \"\(onLoss)\" }")
      kept = try KeptGateway(policy)
      kept.books.share(SharingSettings(), timeoutMs: 50)
      let told = told
      kept.books.onStoreOutcome { ids in told.withLock { $0 += ids } }
    }

    /// The time of all that wait is over, and the loop is told.
    func endTime() {
      kept.clock.advance(ms: 50)
      kept.books.storeTick()
      let ids = told.withLock { ids in
        defer { ids = [] }
        return ids
      }
      kept.gateway.loop.storeAnswered(ids)
    }
  }

  private func ask(_ stream: TestStream, _ mode: BodyMode) -> [ProcAnswer] {
    stream.send(Message.requestHeaders(Message.headers(), modes: (mode, .streamed)))
    return stream.send(Message.body(.requestBody, chat))
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `no reply before the store's word; then the request goes on, on record`(
    _ mode: BodyMode
  ) throws {
    let gateway = try Gateway("allow")
    let stream = gateway.kept.process()
    #expect(ask(stream, mode).isEmpty)
    #expect(gateway.kept.gateway.loop.askingCount == 1)
    #expect(gateway.kept.books.state.open.isEmpty)
    gateway.endTime()
    let answers = stream.receive()
    #expect(answers.first?.set["x-ai-model-route"] == "chat-v1")
    #expect(answers.map(\.kind) == (mode == .buffered ? [3] : [1, 3]))
    #expect(gateway.kept.gateway.loop.askingCount == 0)
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
    let records = try gateway.kept.close()
    #expect(records.admissions.count == 1 && records.completions.count == 1)
  }

  @Test(arguments: [BodyMode.buffered, .fullDuplexStreamed])
  func `it is 503 store_unavailable where nothing may pass`(_ mode: BodyMode) throws {
    let gateway = try Gateway("lease")
    let stream = gateway.kept.process()
    #expect(ask(stream, mode).isEmpty)
    gateway.endTime()
    let answers = stream.receive()
    #expect(answers.count == 1)
    #expect(answers.first?.immediateStatus == 503)
    #expect(answers.first?.code == "store_unavailable")
    #expect(answers.first?.immediateHeaders["retry-after"] == "1")
    stream.halfClose()
    #expect(stream.grpcStatus == 0)
    let records = try gateway.kept.close()
    #expect(records.admissions.isEmpty)
    #expect(records.denials.map(\.reason) == ["store_unavailable"])
  }

  @Test func `a body that still comes stands behind the verdict in order`() throws {
    let gateway = try Gateway("allow")
    let stream = gateway.kept.process()
    stream.send(
      Message.requestHeaders(
        Message.headers([(":path", "/files")]), modes: (.fullDuplexStreamed, .streamed)))
    #expect(stream.send(Message.body(.requestBody, "one", endOfStream: false)).isEmpty)
    gateway.endTime()
    let answers = stream.receive()
    #expect(answers.map(\.kind) == [1, 3])
    #expect(answers.last?.streamed == "one")
    stream.reset()
    _ = try gateway.kept.close()
  }

  @Test func `Envoy closes its half meanwhile: the stream ends behind the replies`() throws {
    let gateway = try Gateway("allow")
    let stream = gateway.kept.process()
    #expect(ask(stream, .buffered).isEmpty)
    stream.halfClose()
    #expect(stream.grpcStatus == nil)
    gateway.endTime()
    #expect(stream.receive().map(\.kind) == [3])
    #expect(stream.grpcStatus == 0)
    let records = try gateway.kept.close()
    #expect(records.completions.count == 1)
  }

  @Test func `a request that is cancelled meanwhile leaves nothing behind`() throws {
    let gateway = try Gateway("allow")
    let stream = gateway.kept.process()
    #expect(ask(stream, .buffered).isEmpty)
    stream.reset()
    #expect(gateway.kept.gateway.loop.askingCount == 0)
    gateway.endTime()
    #expect(gateway.kept.books.state.open.isEmpty)
    #expect(gateway.kept.books.state.counters.isEmpty)
    #expect(try gateway.kept.close().admissions.isEmpty)
  }

  @Test func `a record that fails after the store's word is 503 of the ledger`() throws {
    let gateway = try Gateway("allow")
    let stream = gateway.kept.process()
    #expect(ask(stream, .buffered).isEmpty)
    gateway.kept.files.fail(5)
    gateway.endTime()
    #expect(stream.receive().first?.code == "ledger_unavailable")
    gateway.kept.files.fail(nil)
    gateway.kept.waitUntilWritable()
    #expect(gateway.kept.books.state.open.isEmpty)
    _ = try gateway.kept.close()
  }
}
