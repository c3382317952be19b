/// Anthropic's `/v1/messages` and `/v1/messages/count_tokens`.
extension Answer {
  private func anthropicUsage(output: Int) -> JSON {
    [
      "input_tokens": .int(promptTokens - cachedTokens), "cache_creation_input_tokens": 0,
      "cache_read_input_tokens": .int(cachedTokens), "output_tokens": .int(output),
    ]
  }

  private var stopReason: JSON { isCutShort ? "max_tokens" : "end_turn" }

  private func message(_ content: [JSON], stopReason: JSON, output: Int) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("id", .string("msg_sim_\(number)")), ("type", "message"), ("role", "assistant"),
      ("model", model), ("content", .array(content)), ("stop_reason", stopReason),
      ("stop_sequence", nil),
    ]
    if usage != .none { members.append(("usage", anthropicUsage(output: output))) }
    return .object(members)
  }

  /// `/v1/messages` without a stream.
  func messages() -> Reply {
    let content: JSON = ["type": "text", "text": .string(text)]
    return Reply(
      json: message([content], stopReason: stopReason, output: tokens), tokens: tokens)
  }

  /// `/v1/messages` as a stream: `message_start` to `message_stop`; the usage in `message_delta` is
  /// cumulative.
  func messagesStream() -> Reply {
    func event(_ type: String, _ members: [(key: String, value: JSON)] = []) -> [UInt8] {
      EventScript.event(.object([("type", .string(type))] + members), name: type)
    }
    var script = EventScript(tokens: tokens) { index in
      EventScript.event(
        [
          "type": "content_block_delta", "index": 0,
          "delta": ["type": "text_delta", "text": .string(Answer.word(index))],
        ], name: "content_block_delta")
    }
    let start = message([], stopReason: nil, output: tokens > 0 ? 1 : 0)
    script.opening = [
      event("message_start", [("message", start)]),
      event(
        "content_block_start", [("index", 0), ("content_block", ["type": "text", "text": ""])]),
      event("ping"),
    ]
    var delta: [(key: String, value: JSON)] = [
      ("delta", ["stop_reason": stopReason, "stop_sequence": nil])
    ]
    if usage != .none { delta.append(("usage", anthropicUsage(output: tokens))) }
    script.closing = [
      event("content_block_stop", [("index", 0)]), event("message_delta", delta),
      event("message_stop"),
    ]
    return Reply(events: script)
  }

  /// `/v1/messages/count_tokens`.
  func countTokens() -> Reply { Reply(json: ["input_tokens": .int(promptTokens)]) }
}
