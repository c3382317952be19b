import Bytes
import Ledger
import Testing
import Transport

@testable import Server

struct AdminConnectionTests {
  private let begin = MonotonicTime(nanoseconds: 0)
  private let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

  private func at(_ seconds: Int) -> MonotonicTime { begin + .seconds(seconds) }

  private func connection() -> HTTPServerConnection {
    HTTPServerConnection(limits: HTTPLimits(), now: begin)
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse { .text(.ok, request.path) }

  private func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

  /// Has the peer read everything; the text of it.
  private func read(
    _ connection: inout HTTPServerConnection, at time: MonotonicTime
  ) -> String {
    let text = String(decoding: connection.output[connection.sent...], as: UTF8.self)
    connection.took(connection.unsentBytes)
    connection.answered(now: time, wallSeconds: 0, answer)
    return text
  }

  @Test func `pipelined requests are answered in turn, one at a time`() {
    var http = connection()
    http.received(
      bytes(request + request.replacing("/a", with: "/b")), now: at(1), wallSeconds: 0, answer)
    #expect(http.wantsWrite && !http.wantsRead)
    #expect(read(&http, at: at(1)).hasSuffix("\r\n\r\n/a"))
    #expect(http.wantsWrite)
    #expect(read(&http, at: at(1)).hasSuffix("\r\n\r\n/b"))
    #expect(!http.wantsWrite && http.wantsRead && !http.isClosed)
  }

  @Test func `an answer that is taken in pieces is taken whole`() {
    var http = connection()
    http.received(bytes(request), now: at(0), wallSeconds: 784_111_777, answer)
    let text = String(decoding: http.output, as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
    http.took(10)
    http.answered(now: at(1), wallSeconds: 0, answer)
    #expect(http.unsentBytes == text.utf8.count - 10 && http.sent == 10)
    #expect(read(&http, at: at(2)) == String(text.dropFirst(10)))
    #expect(http.wantsRead)
  }

  @Test func `the answer to HEAD has the length and no body`() {
    var http = connection()
    http.received(
      bytes(request.replacing("GET", with: "HEAD")), now: at(0), wallSeconds: 0, answer)
    let text = read(&http, at: at(0))
    #expect(text.contains("\r\ncontent-length: 2\r\n") && text.hasSuffix("\r\n\r\n"))
  }

  @Test func `a fault is answered and ends the connection, which waits a moment for the peer`() {
    var http = connection()
    http.received(bytes("GET / HTTP/2.0\r\n\r\n" + request), now: at(0), wallSeconds: 0, answer)
    let text = read(&http, at: at(1))
    #expect(text.hasPrefix("HTTP/1.1 505 ") && text.contains("\r\nconnection: close\r\n"))
    #expect(http.isLingering && http.wantsRead && http.deadline == at(2))
    http.received(bytes(request), now: at(1), wallSeconds: 0, answer)
    #expect(http.isLingering && http.unsentBytes == 0)
    http.peerFinished()
    #expect(http.isClosed)
  }

  @Test func `a request dripping in has a deadline that more bytes do not move`() {
    var http = connection()
    #expect(http.deadline == at(90))
    for (second, byte) in request.utf8.prefix(9).enumerated() {
      http.received([byte], now: at(second), wallSeconds: 0, answer)
      #expect(http.deadline == at(10))
    }
    http.timedOut(now: at(10), wallSeconds: 0)
    #expect(read(&http, at: at(10)).hasPrefix("HTTP/1.1 408 "))
    #expect(http.isLingering)
  }

  @Test func `a reader that does not finish an answer, or asks nothing, is cut`() {
    var http = connection()
    http.received(bytes(request), now: at(5), wallSeconds: 0, answer)
    http.took(1)
    #expect(http.deadline == at(35))
    http.timedOut(now: at(35), wallSeconds: 0)
    #expect(http.isClosed)
    var idle = connection()
    idle.timedOut(now: at(90), wallSeconds: 0)
    #expect(idle.isClosed && idle.unsentBytes == 0)
  }

  @Test func `connection close and HTTP 1.0 end after their answer`() {
    for text in [
      request.replacing("Host", with: "Connection: close\r\nHost"), "GET /a HTTP/1.0\r\n\r\n",
    ] {
      var http = connection()
      http.received(bytes(text), now: at(0), wallSeconds: 0, answer)
      #expect(read(&http, at: at(0)).contains("\r\nconnection: close\r\n"))
      #expect(http.isLingering)
    }
  }

  @Test func `readiness says every reason, and draining before all`() {
    func reasons(_ isDraining: Bool, _ isStarted: Bool, _ ledger: LedgerState?) -> [String] {
      ServingState.Values.reasons(
        isDraining: isDraining, isStarted: isStarted, hasPolicy: isStarted, ledger: ledger)
    }
    #expect(
      reasons(false, false, nil)
        == ["starting", "no policy is loaded", "the ledger is not open yet"])
    #expect(
      reasons(false, true, .unavailable(.ledgerFull))
        == ["the ledger cannot be written: --ledger-max-bytes is reached"])
    #expect(reasons(false, true, .writable) == [])
    #expect(reasons(true, true, .writable) == ["draining"])
  }
}
