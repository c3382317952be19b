import Bytes

extension RequestFacts {
  /// Replaces the model's value. JSON-escapes the name unless `multipart`. Nil where the body gives
  /// no model.
  package func splice(model name: [UInt8], multipart: Bool) -> Splice? {
    guard let modelRange else { return nil }
    return Splice(range: modelRange, replacement: multipart ? name : Self.quoted(name))
  }

  /// Asks for the usage chunk: sees to it that `stream_options.include_usage` is true where `usage`
  /// is, and `stream_options.continuous_usage_stats` where `continuous` is. What is not asked for
  /// stays as the client gave it. In order; empty when nothing needs changing.
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

  /// Puts the members in front of the others of `stream_options`, which is made where it is missing.
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
