import Ledger
import Shipping

/// A record's line as the tail gives it.
func line(_ seq: Int64, type: String = "start", fields: String = "", bytes: Int = 0)
  -> LedgerTail.Line
{
  var text =
    "{\"type\":\"\(type)\",\"seq\":\(seq),\"timestamp\":\"2026-11-22T20:17:10.123Z\"\(fields)"
  let end = ",\"hash\":\"\(String(repeating: "a", count: 64))\"}"
  let padding = bytes - text.utf8.count - end.utf8.count
  if padding > 8 { text += ",\"p\":\"\(String(repeating: "x", count: padding - 7))\"" }
  text += end
  let line = Array(text.utf8)
  return LedgerTail.Line(head: RecordHead(line: line)!, bytes: line)
}
