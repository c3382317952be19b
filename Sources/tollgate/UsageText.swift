import Bytes
import Ledger

/// A usage report as a table, CSV or JSON.
enum UsageText {
  /// The columns of numbers: the name, and the text of the number; nil where it is not known.
  private static let columns: [(name: String, text: @Sendable (UsageReport.Totals) -> String?)] = [
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

  /// JSON: `{"rows":[…],"total":{…}}`; money as exact decimals.
  static func json(_ report: UsageReport) -> String {
    let rows = report.rows.map { row in
      let keys = zip(report.dimensions, row.keys).map { dimension, key in
        "\"\(dimension.rawValue)\":" + (key.map(jsonString) ?? "null")
      }
      return "{" + (keys + numbers(row.totals)).joined(separator: ",") + "}"
    }
    return "{\"rows\":[" + rows.joined(separator: ",") + "],\"total\":{"
      + numbers(report.total).joined(separator: ",") + "}}"
  }

  private static func numbers(_ totals: UsageReport.Totals) -> [String] {
    columns.map { "\"\($0.name)\":\($0.text(totals) ?? "null")" }
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

  /// A JSON string (RFC 8259, section 7).
  static func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\u{0}"..<" ":
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
