import Foundation
import Testing

/// What the documents point at is there.
struct DocumentLinkTests {
  private static let documents = Result { try Document.all() }

  private func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(
      atPath: Document.repository.appendingPathComponent(path).standardizedFileURL.path)
  }

  @Test func `every relative link leads to a file, and its anchor to a heading`() throws {
    let documents = try Self.documents.get()
    var anchors: [String: Set<String>] = [:]
    for document in documents { anchors[document.path] = document.anchors }
    var count = 0
    for document in documents {
      let folder = URL(fileURLWithPath: "/" + document.path).deletingLastPathComponent()
      for (number, line) in document.prose {
        for match in String(line).matches(of: /\]\(([^)\s]+)\)/) {
          let target = String(match.1)
          if target.contains("://") || target.hasPrefix("mailto:") { continue }
          count += 1
          let parts = target.split(
            separator: "#", maxSplits: 1, omittingEmptySubsequences: false
          ).map(String.init)
          let path =
            parts[0].isEmpty
            ? document.path
            : String(folder.appendingPathComponent(parts[0]).standardizedFileURL.path.dropFirst())
          let place: Comment = "\(document.path):\(number): \(target)"
          #expect(exists(path), place)
          guard parts.count == 2 else { continue }
          #expect(anchors[path]?.contains(parts[1]) == true, place)
        }
      }
    }
    #expect(count >= 40, "there are links to check")
  }

  @Test func `a path of the repository that prose names is there`() throws {
    var count = 0
    for document in try Self.documents.get() {
      for (number, line) in document.prose {
        for name in Document.code(line) {
          // A path alone, perhaps with arguments behind it.
          guard let match = name.prefixMatch(of: /((envoy|Protos|Sources|Tests)\/[\w.\/-]+)( .*)?$/)
          else { continue }
          count += 1
          #expect(exists(String(match.1)), "\(document.path):\(number): `\(name)`")
        }
      }
    }
    #expect(count >= 12, "there are paths to check")
  }
}
