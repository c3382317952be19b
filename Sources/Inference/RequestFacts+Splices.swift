import Bytes
import Terms

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
    return [options(missing.joined(separator: ","))] + splices
  }

  /// The splice that adds `members` as the first ones of `stream_options`; where the body has no
  /// such object, it adds one.
  private func options(_ members: String) -> Splice {
    guard let streamOptionsRange else {
      return insertion(of: "\"stream_options\":{\(members)}")
    }
    guard streamOptionsIsObject else {
      return Splice(range: streamOptionsRange, replacement: Array("{\(members)}".utf8))
    }
    let place = streamOptionsRange.lowerBound + 1
    let text = members + (streamOptionsIsEmpty ? "" : ",")
    return Splice(range: place..<place, replacement: Array(text.utf8))
  }

  /// The splice that writes a bound of the answer where the client stated none in this field.
  package func splice(bound tokens: Int, in field: BoundField) -> Splice {
    guard let range = bounds[field].range else {
      return insertion(of: "\"\(field.rawValue)\":\(tokens)")
    }
    return Splice(range: range, replacement: Array(String(tokens).utf8))
  }

  /// The splices that lower what the client stated in these fields to a maximum.
  package func splices(lowering fields: [BoundField], to maximum: Int) -> [Splice] {
    fields.compactMap { field in
      guard let tokens = bounds[field].tokens, tokens > maximum, let range = bounds[field].range
      else { return nil }
      return Splice(range: range, replacement: Array(String(maximum).utf8))
    }
  }

  /// The splice that adds a member to the body, as the first one.
  private func insertion(of member: String) -> Splice {
    let text = hasMembers ? member + "," : member
    return Splice(
      range: firstMemberOffset..<firstMemberOffset, replacement: Array(text.utf8))
  }

  private static func quoted(_ name: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    JSONString.append(name.span, to: &text)
    return text
  }
}
