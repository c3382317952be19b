import Bytes
import Foundation
import Gateway
import Ledger
import Log
import Terms

/// Writes the response ids that tenants were given into files, on a thread of its own: no loop waits for
/// it. A failure is logged once and tried again; meanwhile ids are kept in memory, and traffic goes on.
///
/// Any thread. Its own thread owns the `ResponseIDFiles`.
package final class ResponseIDWriter: @unchecked Sendable {
  /// How long it waits after a failure.
  static let retrySeconds: TimeInterval = 5
  /// How long the end of the process waits for it.
  static let stopSecondsMax: TimeInterval = 5

  private let ids: ResponseIDs
  private let log: Logger
  private let retrySeconds: TimeInterval
  private let files: Handover<ResponseIDFiles>
  private let condition = NSCondition()
  /// Under the condition's lock, these four.
  private var hasNews = false
  private var isStopping = false
  private var hasEnded = false
  private var failureCount: Int64 = 0

  /// Reads what the files say, and starts the thread.
  package static func start(
    _ ids: ResponseIDs, directory: String, log: Logger
  ) -> ResponseIDWriter? {
    do throws(LedgerFault) {
      let files = try DirectoryFiles.creating(path: directory + "/ids")
      return start(ids, files, log: log)
    } catch {
      log.responseIDsFailed(error)
      return nil
    }
  }

  /// The same over files that nobody else writes.
  static func start(
    _ ids: ResponseIDs, _ directory: any LedgerFiles, log: Logger,
    retrySeconds: TimeInterval = retrySeconds
  ) -> ResponseIDWriter {
    var files = ResponseIDFiles(directory)
    let found = files.load(into: ids)
    if !found.damaged.isEmpty { log.responseIDsDamaged(found) }
    let writer = ResponseIDWriter(ids, Handover(files), log, retrySeconds)
    ids.onUnwritten { [weak writer] in writer?.wake { $0.hasNews = true } }
    let thread = Thread { writer.run() }
    thread.name = "response-ids"
    thread.start()
    return writer
  }

  private init(
    _ ids: ResponseIDs, _ files: Handover<ResponseIDFiles>, _ log: Logger,
    _ retrySeconds: TimeInterval
  ) {
    self.ids = ids
    self.log = log
    self.retrySeconds = retrySeconds
    self.files = files
  }

  /// How many writes have failed.
  package var failures: Int64 { condition.withLock { failureCount } }

  /// Writes what is left and ends the thread. False where that takes too long.
  @discardableResult
  package func stop() -> Bool {
    wake { $0.isStopping = true }
    let end = Date(timeIntervalSinceNow: Self.stopSecondsMax)
    return condition.withLock {
      while !hasEnded {
        guard condition.wait(until: end) else { return false }
      }
      return true
    }
  }

  private func wake(_ change: (ResponseIDWriter) -> Void) {
    condition.withLock {
      change(self)
      condition.broadcast()
    }
  }

  // MARK: On its thread

  private func run() {
    var files = files.take()
    var hasFailed = false
    while true {
      do throws(LedgerFault) {
        let news = ids.takeUnwritten()
        // A new file begins with all that is known, the news among them.
        if let news, !files.mustBegin(ids) {
          try files.append(news)
        } else {
          try files.begin(ids)
        }
        if hasFailed { log.responseIDsWritten() }
        hasFailed = false
      } catch {
        condition.withLock { failureCount += 1 }
        if !hasFailed { log.responseIDsFailed(error) }
        hasFailed = true
      }
      guard waitForNews(afterFailure: hasFailed) else { break }
    }
    wake { $0.hasEnded = true }
  }

  /// False where the thread is to end: everything was written, or cannot be.
  private func waitForNews(afterFailure: Bool) -> Bool {
    let retry = afterFailure ? Date(timeIntervalSinceNow: retrySeconds) : Date.distantFuture
    return condition.withLock {
      while true {
        if afterFailure {
          guard !isStopping else { return false }
          guard condition.wait(until: retry) else { return true }
          continue
        }
        if hasNews {
          hasNews = false
          return true
        }
        guard !isStopping else { return false }
        condition.wait()
      }
    }
  }
}

extension Logger {
  /// A file of response ids is damaged, and the good part of it is used.
  fileprivate func responseIDsDamaged(_ found: ResponseIDFiles.Found) {
    log(
      .warning, .responseIDsDamaged,
      "response ids in \(found.damaged.joined(separator: ", ")) are damaged: the good lines are used, "
        + "and answers whose line is lost cannot be continued under `strict`",
      [.file: .names(found.damaged), .count: .integer(found.damagedLines)])
  }

  /// Response ids cannot be written.
  fileprivate func responseIDsFailed(_ fault: LedgerFault) {
    log(
      .error, .responseIDsUnwritten,
      "response ids are kept in memory only, and lost at the end of the process: \(fault)",
      [.error: .text(fault.description)])
  }

  /// They are written again, all that are known.
  fileprivate func responseIDsWritten() {
    log(.info, .responseIDsWritten, "response ids are written again")
  }
}
