/// OpenAI's `/v1/responses`.
extension Answer {
  private var messageID: JSON { .string("msg_sim_\(number)") }

  private func part(_ text: String) -> JSON {
    ["type": "output_text", "text": .string(text), "annotations": [], "logprobs": []]
  }

  private func message(_ content: [JSON], status: JSON) -> JSON {
    [
      "type": "message", "id": messageID, "status": status, "role": "assistant",
      "content": .array(content),
    ]
  }

  /// The response object. Only an `ended` one has usage and says why it is incomplete.
  private func response(status: JSON, output: [JSON], ended: Bool) -> JSON {
    let details: JSON = ended && isCutShort ? ["reason": "max_output_tokens"] : nil
    var members: [(key: String, value: JSON)] = [
      ("id", .string("resp_sim_\(number)")), ("object", "response"),
      ("created_at", Answer.created), ("status", status), ("error", nil),
      ("incomplete_details", details), ("instructions", nil), ("metadata", [:]),
      ("max_output_tokens", request.outputBound.map { JSON.int($0) } ?? nil), ("model", model),
      ("output", .array(output)), ("parallel_tool_calls", true), ("temperature", 1),
      ("tool_choice", "auto"), ("tools", []), ("top_p", 1),
    ]
    if ended, usage != .none { members.append(("usage", inputOutputUsage(output: tokens))) }
    return .object(members)
  }

  private var finalStatus: String { isCutShort ? "incomplete" : "completed" }

  private var finalResponse: JSON {
    let status = JSON.string(finalStatus)
    return response(status: status, output: [message([part(text)], status: status)], ended: true)
  }

  /// `/v1/responses` without a stream.
  func responses() -> Reply { Reply(json: finalResponse, tokens: tokens) }

  /// `/v1/responses` as a stream: `response.created` to `response.completed` or
  /// `response.incomplete`.
  func responsesStream() -> Reply {
    let place: [(key: String, value: JSON)] = [
      ("item_id", messageID), ("output_index", 0), ("content_index", 0),
    ]
    @Sendable func event(_ type: String, _ number: Int, _ members: [(key: String, value: JSON)])
      -> [UInt8]
    {
      let head: [(key: String, value: JSON)] = [
        ("type", .string(type)), ("sequence_number", .int(number)),
      ]
      return EventScript.event(.object(head + members), name: type)
    }
    let begun = response(status: "in_progress", output: [], ended: false)
    let status = JSON.string(finalStatus)
    let item: (key: String, value: JSON) = ("output_index", 0)
    var script = EventScript(tokens: tokens) { index in
      event(
        "response.output_text.delta", 4 + index,
        place + [("delta", .string(Answer.word(index))), ("logprobs", [])])
    }
    script.opening = [
      event("response.created", 0, [("response", begun)]),
      event("response.in_progress", 1, [("response", begun)]),
      event(
        "response.output_item.added", 2, [item, ("item", message([], status: "in_progress"))]),
      event("response.content_part.added", 3, place + [("part", part(""))]),
    ]
    let next = 4 + tokens
    script.closing = [
      event(
        "response.output_text.done", next, place + [("text", .string(text)), ("logprobs", [])]),
      event("response.content_part.done", next + 1, place + [("part", part(text))]),
      event(
        "response.output_item.done", next + 2,
        [item, ("item", message([part(text)], status: status))]),
      event("response.\(finalStatus)", next + 3, [("response", finalResponse)]),
    ]
    return Reply(events: script)
  }
}
