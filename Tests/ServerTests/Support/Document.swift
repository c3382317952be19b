import Foundation

/// A Markdown file of the repository, read by headings, tables and links.
struct Document {
  /// The repository's root.
  static let repository: URL = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return folder
  }()

  /// A table under its header row; cells as they are written, without the blanks around them.
  struct Table {
    let columns: [String]
    let rows: [[String]]

    /// The cells of one column; nil where the table has no such column.
    func column(_ name: String) -> [String]? {
      columns.firstIndex(of: name).map { index in rows.map { $0[index] } }
    }
  }

  /// Where it is, from the repository's root.
  let path: String
  let lines: [Substring]

  init(_ path: String) throws {
    self.path = path
    let text = try String(
      contentsOf: Self.repository.appendingPathComponent(path), encoding: .utf8)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Every Markdown file of the repository that is not built, cached or hidden.
  static func all() throws -> [Document] {
    var found = ["README.md"]
    for folder in ["Protos", "Sources", "Tests", "envoy"] {
      let walk = FileManager.default.enumerator(
        atPath: repository.appendingPathComponent(folder).path)
      while let name = walk?.nextObject() as? String {
        let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
        if name.hasSuffix(".md"), !isHidden { found.append("\(folder)/\(name)") }
      }
    }
    return try found.sorted().map(Document.init)
  }

  /// The lines outside of code blocks (between fences, or indented by four), by their number.
  var prose: [(number: Int, text: Substring)] {
    var isInFence = false
    var result: [(number: Int, text: Substring)] = []
    for (index, line) in lines.enumerated() {
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isInFence.toggle()
      } else if !isInFence, !line.hasPrefix("    ") {
        result.append((index + 1, line))
      }
    }
    return result
  }

  /// Level and text of a heading line; nil for any other.
  static func heading(_ line: Substring) -> (level: Int, text: String)? {
    guard let match = line.wholeMatch(of: /(#{1,6}) +(.+?) */) else { return nil }
    return (match.1.count, String(match.2))
  }

  /// The headings and the tables of the section under `name`, in order; with the sections inside of it.
  func section(_ name: String) -> [(heading: String, tables: [Table])] {
    var result: [(heading: String, tables: [Table])] = []
    var level: Int?
    var rows: [[String]] = []
    func closeTable() {
      if rows.count > 2, !result.isEmpty {
        result[result.count - 1].tables.append(
          Table(columns: rows[0], rows: Array(rows.dropFirst(2))))
      }
      rows = []
    }
    for (_, line) in prose {
      if let heading = Self.heading(line) {
        closeTable()
        if let open = level, heading.level <= open { return result }
        if level == nil, heading.text == name { level = heading.level }
        if level != nil { result.append((heading.text, [])) }
      } else if level != nil, line.hasPrefix("|") {
        rows.append(Self.cells(line))
      } else {
        closeTable()
      }
    }
    closeTable()
    return result
  }

  /// Every table of a section that has that column.
  func tables(_ section: String, with column: String) -> [Table] {
    self.section(section).flatMap(\.tables).filter { $0.columns.contains(column) }
  }

  /// A row's cells; `\|` is a bar inside of one.
  private static func cells(_ line: Substring) -> [String] {
    let bar = "\u{1}"
    return line.replacing("\\|", with: bar).dropFirst().split(
      separator: "|", omittingEmptySubsequences: false
    ).dropLast().map {
      $0.trimmingCharacters(in: .whitespaces).replacing(bar, with: "|")
    }
  }

  /// What stands between backticks.
  static func code(_ text: some StringProtocol) -> [String] {
    String(text).matches(of: /`([^`]+)`/).map { String($0.1) }
  }

  /// The names that links reach its headings by, as GitHub makes them.
  var anchors: Set<String> {
    var counts: [String: Int] = [:]
    var anchors: Set<String> = []
    for (_, line) in prose {
      guard let heading = Self.heading(line) else { continue }
      let kept = heading.text.lowercased().unicodeScalars.filter { scalar in
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
          || "-_ ".unicodeScalars.contains(scalar)
      }
      let name = String(String.UnicodeScalarView(kept)).replacing(" ", with: "-")
      let count = counts[name, default: 0]
      counts[name] = count + 1
      anchors.insert(count == 0 ? name : "\(name)-\(count)")
    }
    return anchors
  }
}
