import Foundation
import Ledger

/// How the commands read a whole ledger, each record held against the chain.
enum LedgerReading {
  private static let pauseSeconds = 0.2

  /// Gives every record to `take`, oldest first. What a crash tore off is told and left out. Returns
  /// whether all of it could be read; what could not is told. Where it `follows`, it goes on for ever.
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

  /// What the next start puts aside.
  static func say(_ end: TornEnd, for command: String) {
    let whole =
      end.recordCount == 0 ? "" : ", \(Counted.text(end.recordCount, "whole record")) in them"
    Console.diagnose(
      "tollgate \(command): \(end.file): offset \(end.offset): the last "
        + "\(Counted.text(end.byteCount, "byte"))\(whole) do not count: a crash tore them off, or "
        + "they are being written")
  }
}

/// A number with its noun.
enum Counted {
  static func text(_ count: some BinaryInteger, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
