import Bytes
import Inference
import Terms

/// What the scanner says of a body that comes in the given pieces.
struct Answer: Equatable {
  var result: Result<RequestFacts, BodyProblem>
  private let body: [UInt8]

  init(_ body: [UInt8], cuts: [Int]) {
    self.body = body
    var scanner = RequestScanner()
    var from = 0
    for cut in cuts + [body.count] {
      scanner.scan(body.span.extracting(from..<cut))
      from = cut
    }
    do throws(BodyProblem) {
      result = .success(try scanner.finish())
    } catch {
      result = .failure(error)
    }
  }

  /// As members of a JSON object.
  var line: String {
    switch result {
    case .success(let facts): members(of: facts)
    case .failure(.invalidJSON(let offset, let reason)):
      "\"problem\":\"invalid_json\",\"offset\":\(offset),\"reason\":\"\(reason)\""
    case .failure(.duplicateKey(let key)): "\"problem\":\"duplicate_key\",\"key\":\"\(key.name)\""
    case .failure(.invalidValue(let key)): "\"problem\":\"invalid_value\",\"key\":\"\(key.name)\""
    case .failure(.invalidMultipart): "\"problem\":\"invalid_multipart\""
    }
  }

  private func members(of facts: RequestFacts) -> String {
    func text(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "null" }
    func range(_ range: Range<Int>?) -> String {
      range.map { "[\($0.lowerBound),\($0.upperBound)]" } ?? "null"
    }
    func hex(_ bytes: [UInt8]) -> String { "\"\(Hex.string(of: bytes))\"" }
    let renamed = facts.splice(model: Array("new \"name\"\\\u{1}é".utf8), multipart: false)
    let asked = facts.splice(usage: true, continuous: facts.byteCount % 2 == 0)
    return [
      "\"problem\":null", "\"model\":\(facts.model.map(hex) ?? "null")",
      "\"model_range\":\(range(facts.modelRange))", "\"stream\":\(text(facts.stream))",
      "\"stream_range\":\(range(facts.streamRange))",
      "\"stream_options_range\":\(range(facts.streamOptionsRange))",
      "\"stream_options_is_object\":\(facts.streamOptionsIsObject)",
      "\"stream_options_is_empty\":\(facts.streamOptionsIsEmpty)",
      "\"include_usage\":\(text(facts.includeUsage))",
      "\"include_usage_range\":\(range(facts.includeUsageRange))",
      "\"continuous_usage_stats\":\(text(facts.continuousUsageStats))",
      "\"continuous_usage_stats_range\":\(range(facts.continuousUsageStatsRange))",
      "\"n\":\(text(facts.n))",
      "\"best_of\":\(text(facts.bestOf))", "\"tool_calls\":\(facts.toolCalls)",
      "\"text_bytes\":\(facts.textBytes)",
      "\"array_numbers\":\(facts.arrayNumbers)", "\"media_tokens\":\(facts.mediaTokens)",
      "\"prompts\":\(facts.prompts)", "\"choices_elsewhere\":\(facts.choicesElsewhere)",
      "\"bounds\":[\(Self.dialects.map { bounds(of: facts, $0) }.joined(separator: ","))]",
      "\"guarded\":[\(facts.guarded.map(member).joined(separator: ","))]",
      "\"previous_response_id\":\(facts.previousResponseID.map(hex) ?? "null")",
      "\"previous_response_id_range\":\(range(facts.previousResponseIDRange))",
      "\"conversation\":\(facts.conversation.map(hex) ?? "null")",
      "\"conversation_range\":\(range(facts.conversationRange))",
      "\"item_references\":[\(facts.itemReferences.map(hex).joined(separator: ","))]",
      "\"first_member_offset\":\(facts.firstMemberOffset)",
      "\"has_members\":\(facts.hasMembers)", "\"byte_count\":\(facts.byteCount)",
      "\"renamed\":\(renamed.map { hex([$0].applied(to: body)) } ?? "null")",
      "\"asked\":\(hex(asked.applied(to: body)))",
    ].joined(separator: ",")
  }

  /// The fields that state a bound: chat's, those of completions and messages, those of responses, and
  /// one more.
  private static let dialects: [[BoundField]] = [
    [.maxTokens, .maxCompletionTokens], [.maxTokens], [.maxOutputTokens], [.nPredict, .maxLength],
  ]

  /// What is stated in these fields, what is raised beside them, and the body with what is stated lowered
  /// to 100, or else with 100 written.
  private func bounds(of facts: RequestFacts, _ fields: [BoundField]) -> String {
    let raised = facts.raisedBound(beside: fields, unreadable: 4096).map { "\($0)" } ?? "null"
    do throws(BodyProblem) {
      let stated = try facts.statedBound(in: fields)
      var splices = facts.splices(lowering: fields, to: 100)
      if stated == nil { splices.append(facts.splice(bound: 100, in: fields[0])) }
      splices += facts.splice(usage: true, continuous: false)
      splices.order()
      let written = Hex.string(of: splices.applied(to: body))
      return "{\"stated\":\(stated.map { "\($0)" } ?? "null"),\"raised\":\(raised),"
        + "\"written\":\"\(written)\"}"
    } catch {
      return switch error {
      case .duplicateKey(let key): "{\"problem\":\"duplicate_key\",\"key\":\"\(key.name)\"}"
      case .invalidValue(let key): "{\"problem\":\"invalid_value\",\"key\":\"\(key.name)\"}"
      case .invalidJSON, .invalidMultipart: "{}"
      }
    }
  }

  private func member(_ member: GuardedMember) -> String {
    let names = member.models.map { names in
      "[\(names.map { "\"\(Hex.string(of: $0))\"" }.joined(separator: ","))]"
    }
    return "{\"name\":\"\(member.name)\",\"exact\":\(member.isExact),\"models\":\(names ?? "null")}"
  }
}

extension [Splice] {
  /// The body with the splices made, which are in order and do not overlap.
  func applied(to body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var from = 0
    for splice in self {
      precondition(splice.range.lowerBound >= from, "splices overlap or are out of order")
      result += body[from..<splice.range.lowerBound] + splice.replacement
      from = splice.range.upperBound
    }
    return result + body[from...]
  }
}
