import Foundation
import Ledger
import Testing

/// A checkpoint that counts what it carries, and a crash in the middle of writing both.
@Suite struct CarriedCrashTests {
  /// Two exchanges let through; their completions fail to be written and are carried into a new
  /// segment, which is being begun when the machine stops at operation `crash` of it.
  private func left(crashingAt crash: Int, share: Int) throws -> (MemoryFiles, [String]) {
    let files = MemoryFiles()
    var settings = LedgerSettings.forTests
    settings.retryDelay = .milliseconds(1)
    let books = try TestBooks(files, settings: settings)
    try books.start()
    let ids = try [#require(books.admit()), #require(books.admit())]
    #expect(books.writer.flush())
    // The batch with the completions fails, and everything from `crash` operations later on.
    let failing = files.operationCount + 1
    files.fail(at: failing, .before(EIO))
    for operation in (failing + crash)..<(failing + 400) { files.fail(at: operation, .before(EIO)) }
    for id in ids { books.complete(id) }
    while files.operationCount < failing + crash, !books.writer.flush() { usleep(200) }
    let left = files.crashed(keeping: share)
    _ = books.writer.stop()
    return (left, ids)
  }

  @Test(arguments: 1...8, [0, 128, 256])
  func `A carried completion is there with its checkpoint, or its exchange is still open`(
    crash: Int, share: Int
  ) throws {
    let (left, ids) = try left(crashingAt: crash, share: share)
    var replay = Replay()
    _ = try Recovery.run(left) { replay.apply($0) }
    let whole = try Replay(left)
    for id in ids {
      #expect(whole.admitted.contains(id))
      #expect(
        whole.completed.contains(id) != (replay.open.byRequestID[id] != nil),
        "neither open nor completed: \(id)")
    }
    #expect(Verification.run(left).problem == nil)
  }
}
