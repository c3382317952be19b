import Bytes

extension RequestFacts {
  /// The splice that replaces the value of `model` by `name` (UTF-8), JSON-escaped unless `multipart`.
  /// Nil where the body has no `model`.
  package func splice(model name: [UInt8], multipart: Bool) -> Splice? {
    guard let modelRange else { return nil }
    return Splice(range: modelRange, replacement: multipart ? name : Self.quoted(name))
  }

  /// The splices that make the backend report usage in a stream: with `usage` they set
  /// `stream_options.include_usage` to true, with `continuous` also
  /// `stream_options.continuous_usage_stats` (vLLM, SGLang). Members that are not asked for stay as
  /// the client gave them. In ascending order; empty when nothing needs to change.
  package func splice(usage: Bool, continuous: Bool) -> [Splice] {
    var missing: [String] = []
    var splices: [Splice] = []
    let members: [(Bool, InspectedKey, Bool?, Range<Int>?)] = [
      (usage, .includeUsage, includeUsage, includeUsageRange),
      (continuous, .continuousUsageStats, continuousUsageStats, continuousUsageStatsRange),
    ]
    for (wished, key, value, range) in members where wished && value != true {
      if let range {
        splices.append(Splice(range: range, replacement: Array("true".utf8)))
      } else {
        missing.append("\"\(key.member)\":true")
      }
    }
    splices.sort { $0.range.lowerBound < $1.range.lowerBound }
    guard !missing.isEmpty else { return splices }
    return [insertion(of: missing.joined(separator: ","))] + splices
  }

  /// The splice that inserts `members` as the first ones of `stream_options`; where the body has no
  /// such object, it adds one.
  private func insertion(of members: String) -> Splice {
    guard let streamOptionsRange else {
      let member = "\"stream_options\":{\(members)}" + (hasMembers ? "," : "")
      let place = firstMemberOffset..<firstMemberOffset
      return Splice(range: place, replacement: Array(member.utf8))
    }
    guard streamOptionsIsObject else {
      return Splice(range: streamOptionsRange, replacement: Array("{\(members)}".utf8))
    }
    let place = streamOptionsRange.lowerBound + 1
    let text = members + (streamOptionsIsEmpty ? "" : ",")
    return Splice(range: place..<place, replacement: Array(text.utf8))
  }

  private static func quoted(_ name: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    JSONString.append(name.span, to: &text)
    return text
  }
}
