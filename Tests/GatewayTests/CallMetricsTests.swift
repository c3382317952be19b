import EnvoyAPI
import Foundation
import Ledger
import Metrics
import Testing
import Transport

@testable import Gateway

private typealias Message = EnvoyMessage

private let chat = #"{"model":"llama","messages":[{"role":"user","content":"hello"}]}"#

/// What is counted of calls, however they end, and of questions for models.
@Suite(.timeLimit(.minutes(2))) struct CallMetricsTests {
  private func page(_ kept: KeptGateway) -> [String] {
    var page = MetricsPage(registry: kept.metrics, books: kept.books)
    return String(decoding: page.render(.init(version: "t")), as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  /// The calls that are over, without those that there were none of.
  private func calls(_ kept: KeptGateway) -> Set<String> {
    let prefix = "ai_gateway_grpc_calls_total{method="
    return Set(
      page(kept).filter { $0.hasPrefix(prefix) && !$0.hasSuffix(" 0") }
        .map { String($0.dropFirst(prefix.count)) })
  }

  private func ask(_ kept: KeptGateway) -> TestStream {
    let stream = kept.process()
    stream.send(Message.requestHeaders(Message.headers()))
    stream.send(Message.body(.requestBody, chat))
    return stream
  }

  @Test func `a stream that had its verdict is OK, reset or not, admitted or refused`() throws {
    let kept = try KeptGateway(keptPolicy())
    ask(kept).halfClose()
    ask(kept).reset()
    let refused = kept.process()
    refused.send(Message.requestHeaders(Message.headers(without: ["authorization"])))
    refused.reset()
    // One of Envoy's own answers, of which no request was seen.
    let local = kept.process()
    local.send(Message.responseHeaders([(":status", "404")]))
    local.reset()
    #expect(calls(kept) == [#""Process",code="OK"} 4"#])
    _ = try kept.close()
  }

  @Test func `a stream that Envoy ends before its verdict is CANCELLED`() throws {
    let kept = try KeptGateway(keptPolicy())
    let early = kept.process()
    early.send(Message.requestHeaders(Message.headers()))
    early.reset()
    #expect(calls(kept) == [#""Process",code="CANCELLED"} 1"#])
    // The verdict is made, but not sent: its record is not on disk.
    kept.gateway.hears = false
    kept.files.shut()
    ask(kept).reset()
    #expect(calls(kept) == [#""Process",code="CANCELLED"} 2"#])
    kept.files.open()
    kept.gateway.hears = true
    kept.gateway.pump()
    _ = try kept.close()
  }

  @Test func `a stream that fails closed is counted with its status`() throws {
    let kept = try KeptGateway(keptPolicy())
    kept.process().send([0xff, 0xff])
    let unordered = kept.process()
    unordered.send(Message.body(.requestBody, chat))
    let halfway = kept.process()
    halfway.send(Message.requestHeaders(Message.headers()))
    halfway.halfClose()
    #expect(kept.gateway.check([0xff, 0xff]) == nil)
    #expect(kept.gateway.status(of: "/envoy.service.ext_proc.v3.ExternalProcessor/Nothing") == 12)
    #expect(
      calls(kept) == [
        #""Process",code="INVALID_ARGUMENT"} 1"#, #""Process",code="FAILED_PRECONDITION"} 1"#,
        #""Process",code="ABORTED"} 1"#, #""Check",code="INVALID_ARGUMENT"} 1"#,
        #""other",code="UNIMPLEMENTED"} 1"#,
      ])
    // Nothing was decided: these are no requests, and nothing of them is on record.
    #expect(kept.metrics.totals.requests == 0)
    #expect(try kept.close().denialCount == 0)
  }

  @Test func `a message that the transport refuses is counted with its status`() throws {
    var limits = TransportLimits()
    limits.messageBytesMax = 100
    let kept = try KeptGateway(keptPolicy(), limits: limits)
    #expect(
      kept.gateway.status(
        of: "/envoy.service.auth.v3.Authorization/Check",
        message: Array(repeating: 0, count: 101)) == 8)
    #expect(calls(kept) == [#""Check",code="RESOURCE_EXHAUSTED"} 1"#])
    _ = try kept.close()
  }

  @Test func `every status is there before its first call, for its rate`() throws {
    let kept = try KeptGateway(keptPolicy())
    let lines = page(kept).filter { $0.hasPrefix("ai_gateway_grpc_calls_total{") }
    #expect(lines.count == 2 * 17 + 1)
    #expect(lines.allSatisfy { $0.hasSuffix(" 0") })
    _ = try kept.close()
  }

  @Test(arguments: ["ext_proc", "ext_authz"])
  func `a question for models is a request as every other, counted once`(_ filter: String) throws {
    let kept = try KeptGateway(keptPolicy(enforceAt: filter))
    for path in ["/v1/models", "/v1/models", "/v1/models/llama", "/v1/models/nobodys"] {
      let headers = Message.headers([(":method", "GET"), (":path", path)])
      if filter == "ext_proc" {
        kept.process().send(Message.requestHeaders(headers, endOfStream: true))
      } else {
        _ = kept.gateway.check(Message.check(headers))
      }
    }
    let labels = #"model_route="none",status="200",stream="none",class="none",origin="gateway""#
    let requests = page(kept).filter {
      $0.hasPrefix("ai_gateway_requests_total{") && $0.contains(#"status="200""#)
    }
    #expect(
      requests == [
        #"ai_gateway_requests_total{tenant="tenant-a",route="/v1/models",\#(labels)} 2"#,
        #"ai_gateway_requests_total{tenant="tenant-a",route="/v1/models/{id}",\#(labels)} 1"#,
      ])
    // The unknown one was refused.
    #expect(kept.metrics.totals.requests == 4)
    #expect(kept.metrics.inflight == 0)
    let records = try kept.close()
    #expect(records.completions.count == 3 && records.denialCount == 1)
  }

  @Test func `the ledger's bound is told where there is one`() throws {
    let bounded = try KeptGateway(keptPolicy(), ledgerBytesMax: 1 << 30)
    #expect(page(bounded).contains("ai_gateway_ledger_max_bytes 1073741824"))
    _ = try bounded.close()
    let unbounded = try KeptGateway(keptPolicy())
    #expect(!page(unbounded).contains { $0.contains("ai_gateway_ledger_max_bytes") })
    _ = try unbounded.close()
  }
}
