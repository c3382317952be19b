import Bytes
import Ledger
import Terms

/// A usage report as a table, CSV or JSON.
enum UsageText {
  /// The columns of numbers: the name, and the text of the number; nil where it is not known.
  private static let columns: [(name: String, text: @Sendable (UsageTotals) -> String?)] = [
    ("requests", { String($0.requests) }),
    ("prompt_tokens", { String($0.promptTokens) }),
    ("cached_prompt_tokens", { String($0.cachedPromptTokens) }),
    ("cache_write_prompt_tokens", { String($0.cacheWritePromptTokens) }),
    ("completion_tokens", { String($0.completionTokens) }),
    ("reasoning_tokens", { String($0.reasoningTokens) }),
    ("total_tokens", { String($0.totalTokens) }),
    ("estimated_requests", { String($0.estimatedRequests) }),
    ("cost_usd", { $0.costNanodollars.map(Dollars.text) }),
  ]

  /// A table: names left-aligned, numbers right-aligned, and a last line of totals.
  static func table(_ report: UsageReport) -> [String] {
    let names = report.dimensions.map(\.rawValue)
    let total = ["total"] + Array(repeating: "", count: max(0, names.count - 1))
    var cells = [names + columns.map(\.name)]
    for row in report.rows {
      cells.append(row.keys.map { plain($0 ?? "-") } + columns.map { $0.text(row.totals) ?? "-" })
    }
    cells.append(total + columns.map { $0.text(report.total) ?? "-" })
    let widths = cells[0].indices.map { index in cells.map { $0[index].count }.max() ?? 0 }
    return cells.map { row in
      let padded = row.enumerated().map { index, cell in
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        return index < names.count ? cell + padding : padding + cell
      }
      return padded.joined(separator: "  ")
    }
  }

  /// CSV (RFC 4180) with a header line, without totals.
  static func csv(_ report: UsageReport) -> [String] {
    let header = (report.dimensions.map(\.rawValue) + columns.map(\.name)).joined(separator: ",")
    return [header]
      + report.rows.map { row in
        (row.keys.map { quoted($0 ?? "") } + columns.map { $0.text(row.totals) ?? "" })
          .joined(separator: ",")
      }
  }

  /// From when on the sums have everything, and what is missing.
  static func coverage(_ reading: UsageReading, timeZone: String) -> [String] {
    var lines: [String] = []
    if let from = reading.coversFromMs {
      lines.append(
        "tollgate usage: everything from \(UTCTime.string(from)) on; days begin in \(timeZone)")
    }
    if !reading.missingDays.isEmpty {
      let days = reading.missingDays.sorted().map(LocalDays.text(day:)).joined(separator: ", ")
      lines.append(
        "tollgate usage: left out, because the ledger has only its sum for the whole day or month: "
          + days)
    }
    return lines
  }

  /// JSON: `{"rows":[…],"total":{…},…}`; money as exact decimals.
  static func json(_ reading: UsageReading, timeZone: String) -> String {
    let report = reading.report
    var json = JSONWriter()
    json.object { json in
      json.array("rows") { json in
        for row in report.rows {
          json.object { json in
            for (dimension, key) in zip(report.dimensions, row.keys) {
              json.name(any: dimension.rawValue)
              if let key { json.value(key) } else { json.null() }
            }
            add(row.totals, to: &json)
          }
        }
      }
      json.object("total") { add(report.total, to: &$0) }
      json.field("timezone", timeZone)
      json.field("covers_from", timeMs: reading.coversFromMs)
      json.field("missing_days", reading.missingDays.sorted().map(LocalDays.text(day:)))
    }
    return json.text
  }

  private static func add(_ totals: UsageTotals, to json: inout JSONWriter) {
    for column in columns {
      json.name(any: column.name)
      if let text = column.text(totals) { json.value(number: text) } else { json.null() }
    }
  }

  /// A name for the terminal, quoted where it has control characters: a subject is any text that
  /// its issuer chose.
  static func plain(_ text: String) -> String {
    text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
      ? text.debugDescription : text
  }

  /// A CSV field, quoted where needed. Where a spreadsheet would run it as a formula, an apostrophe
  /// makes it text.
  private static func quoted(_ text: String) -> String {
    let isFormula = text.first.map { "=+-@".contains($0) } ?? false
    let safe = (isFormula ? "'" : "") + text
    let needsQuotes = safe.contains { "\",\r\n".contains($0) }
    return needsQuotes ? "\"" + safe.replacing("\"", with: "\"\"") + "\"" : safe
  }
}
