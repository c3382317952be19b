import Foundation
import Ledger

/// Reads a whole ledger for a command and checks each record against the hash chain.
enum LedgerReading {
  /// How long to wait for new records.
  private static let pauseSeconds = 0.2

  /// Gives every record to `take`, oldest first. With `follows` it then waits for more, and never
  /// ends.
  ///
  /// Returns whether the whole ledger could be read; where it could not, the reason is printed. A
  /// torn end, as a crash leaves it, is printed too and left out; it is no failure.
  static func run(
    _ directory: String, for command: String, follows: Bool = false,
    _ take: (LedgerWalk.Step, LedgerRecord) -> Void
  ) -> Bool {
    do throws(LedgerProblem) {
      var walk = try LedgerWalk(LedgerDirectory.files(of: directory))
      while true {
        do throws(LedgerProblem) {
          while let step = try walk.next() { take(step, try step.line.record(of: step.segment)) }
        } catch {
          say(try walk.tornEnd(of: error), for: command)
          return true
        }
        guard follows else {
          if let end = try walk.tornEnd() { say(end, for: command) }
          break
        }
        Thread.sleep(forTimeInterval: pauseSeconds)
      }
      if walk.segmentCount > 0 { return true }
      Console.diagnose("tollgate \(command): \(directory) holds no ledger")
    } catch {
      Console.diagnose("tollgate \(command): \(error)")
    }
    return false
  }

  /// Prints that the ledger has a torn end, which the next start puts aside.
  static func say(_ end: TornEnd, for command: String) {
    let whole =
      end.recordCount == 0 ? "" : ", \(Counted.text(end.recordCount, "whole record")) in them"
    Console.diagnose(
      "tollgate \(command): \(end.file): offset \(end.offset): the last "
        + "\(Counted.text(end.byteCount, "byte"))\(whole) do not count: a crash tore them off, or "
        + "they are being written")
  }
}
