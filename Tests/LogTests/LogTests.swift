import Foundation
import Terms
import Testing

@testable import Log

struct LogTests {
  @Test func `a repeated message is held back and counted`() {
    var limit = RepetitionLimit()
    let quiet = RepetitionLimit.quietNanoseconds
    #expect(limit.admit("a", nowNanoseconds: 0) == .pass(repeated: 0))
    #expect(limit.admit("a", nowNanoseconds: 1) == .hold)
    #expect(limit.admit("a", nowNanoseconds: quiet - 1) == .hold)
    #expect(limit.admit("b", nowNanoseconds: quiet - 1) == .pass(repeated: 0))
    #expect(limit.admit("a", nowNanoseconds: quiet) == .pass(repeated: 2))
  }

  @Test func `the oldest message is forgotten when there are too many`() {
    var limit = RepetitionLimit()
    for index in 0..<RepetitionLimit.messagesMax {
      #expect(limit.admit("\(index)", nowNanoseconds: Int64(index)) == .pass(repeated: 0))
    }
    #expect(limit.admit("0", nowNanoseconds: 1000) == .hold)
    #expect(limit.admit("one more", nowNanoseconds: 1000) == .pass(repeated: 0))
    #expect(limit.admit("0", nowNanoseconds: 1001) == .pass(repeated: 0))
  }

  @Test func `lines below the level are not written, and a flush waits for the others`() {
    let lines = LogCapture()
    let log = Logger(level: .warning, format: .text, write: lines.append)
    log.log(.info, "quiet")
    log.log(.warning, "loud")
    log.report(.error, "louder")
    log.report(.error, "louder")
    log.flush()
    #expect(lines.all.count == 2)
    #expect(lines.contains("warning loud"))
    #expect(lines.contains("error louder"))
  }

  @Test func `a policy's level counts while it is there, and the process's own afterwards`() {
    let lines = LogCapture()
    let log = Logger(level: .warning, format: .text, write: lines.append)
    log.log(.debug, "1")
    log.follow(.debug)
    log.follow(.debug)
    log.log(.debug, "2")
    #expect(log.isKept(.debug))
    log.follow(.error)
    log.log(.warning, "3")
    #expect(!log.isKept(.warning))
    log.follow(nil)
    log.log(.info, "4")
    log.log(.warning, "5")
    log.flush()
    let texts = lines.all.map { $0.split(separator: " ", maxSplits: 1)[1] }
    #expect(
      texts == [
        "info the log's level is debug: log_level in the policy log_level=debug "
          + "previous_log_level=warning\n",
        "debug 2\n",
        "info the log's level is error: log_level in the policy log_level=error "
          + "previous_log_level=debug\n",
        "warning 5\n",
      ])
  }

  @Test func `lines beyond the queue's limit are dropped and counted`() {
    let lines = LogCapture()
    let gate = DispatchSemaphore(value: 0)
    let entered = DispatchSemaphore(value: 0)
    let log = Logger(level: .info, format: .text) { line in
      entered.signal()
      gate.wait()
      lines.append(line)
    }
    log.log(.info, "first")
    #expect(entered.wait(timeout: .now() + .seconds(20)) == .success)
    // The writer is held: these fill the queue, and two are too many.
    for index in 0..<(Logger.linesMax + 2) { log.log(.info, "\(index)") }
    for _ in 0..<(Logger.linesMax + 3) { gate.signal() }
    log.flush(timeout: .seconds(20))
    #expect(lines.all.count == Logger.linesMax + 2)
    #expect(lines.contains("2 log lines were dropped"))
  }
}
