/// OpenAI's `/v1/chat/completions` and `/v1/completions`, whose usage is
/// `{prompt_tokens, completion_tokens, total_tokens}`.
extension Answer {
  /// The usage object after `done` output tokens of all choices.
  func openAIUsage(done: Int) -> JSON {
    [
      "prompt_tokens": .int(promptTokens),
      "completion_tokens": .int(done),
      "total_tokens": .int(promptTokens + done),
      "prompt_tokens_details": ["cached_tokens": .int(cachedTokens)],
      "completion_tokens_details": ["reasoning_tokens": 0],
    ]
  }

  private var finishReason: JSON { isCutShort ? "length" : "stop" }

  /// `/v1/chat/completions` without a stream.
  func chat() -> Reply {
    let choices = (0..<request.choices).map { index -> JSON in
      [
        "index": .int(index),
        "message": ["role": "assistant", "content": .string(text), "refusal": nil],
        "logprobs": nil, "finish_reason": finishReason,
      ]
    }
    return completion(id: "chatcmpl-sim-\(number)", object: "chat.completion", choices)
  }

  /// `/v1/completions` without a stream.
  func legacyCompletion() -> Reply {
    let choices = (0..<request.choices).map { index -> JSON in
      [
        "index": .int(index), "text": .string(text), "logprobs": nil,
        "finish_reason": finishReason,
      ]
    }
    return completion(id: "cmpl-sim-\(number)", object: "text_completion", choices)
  }

  private func completion(id: String, object: String, _ choices: [JSON]) -> Reply {
    var members: [(key: String, value: JSON)] = [
      ("id", .string(id)), ("object", .string(object)), ("created", Answer.created),
      ("model", model), ("choices", .array(choices)),
    ]
    if usage != .none { members.append(("usage", openAIUsage(done: outputTokens))) }
    members.append(("system_fingerprint", "fp_simulated"))
    return Reply(json: .object(members), tokens: outputTokens)
  }

  /// `/v1/chat/completions` as a stream of `chat.completion.chunk`.
  func chatStream() -> Reply {
    stream(id: "chatcmpl-sim-\(number)", object: "chat.completion.chunk") { index, word, last in
      var delta: [(key: String, value: JSON)] = []
      if let word { delta.append(("content", .string(word))) }
      return [
        "index": .int(index), "delta": .object(delta), "logprobs": nil,
        "finish_reason": last ? finishReason : nil,
      ]
    } opening: { index in
      [
        "index": .int(index), "delta": ["role": "assistant", "content": "", "refusal": nil],
        "logprobs": nil, "finish_reason": nil,
      ]
    }
  }

  /// `/v1/completions` as a stream.
  func legacyCompletionStream() -> Reply {
    stream(id: "cmpl-sim-\(number)", object: "text_completion") { index, word, last in
      [
        "index": .int(index), "text": .string(word ?? ""), "logprobs": nil,
        "finish_reason": last ? finishReason : nil,
      ]
    } opening: { _ in
      nil
    }
  }

  /// Chunks in this order: one that opens each choice, one for each token (the choices take turns),
  /// one that ends each choice, and one with the usage when the request asked for it.
  private func stream(
    id: String, object: String,
    choice: @escaping @Sendable (_ index: Int, _ word: String?, _ last: Bool) -> JSON,
    opening: (_ index: Int) -> JSON?
  ) -> Reply {
    let head: [(key: String, value: JSON)] = [
      ("id", .string(id)), ("object", .string(object)), ("created", Answer.created),
      ("model", model), ("system_fingerprint", "fp_simulated"),
    ]
    let (answer, total, count) = (self, outputTokens, request.choices)
    @Sendable func chunk(_ choices: [JSON], usage: JSON?) -> [UInt8] {
      var members = head
      members.append(("choices", .array(choices)))
      if let usage { members.append(("usage", usage)) }
      return EventScript.event(.object(members))
    }
    // With `include_usage`, OpenAI sends `usage: null` on every chunk except the one with the
    // usage.
    @Sendable func running(_ done: Int) -> JSON? {
      switch answer.usage {
      case .continuous: answer.openAIUsage(done: done)
      case .none: nil
      case .standard, .withChoices: answer.request.includeUsage ? .null : nil
      }
    }
    var script = EventScript(tokens: total) { index in
      chunk([choice(index % count, Answer.word(index / count), false)], usage: running(index + 1))
    }
    for index in 0..<count {
      if let first = opening(index) { script.opening.append(chunk([first], usage: running(0))) }
      let carriesUsage = usage == .withChoices && index == count - 1
      let last = carriesUsage ? openAIUsage(done: total) : running(total)
      script.closing.append(chunk([choice(index, nil, true)], usage: last))
    }
    if usage == .standard, request.includeUsage {
      script.closing.append(chunk([], usage: openAIUsage(done: total)))
    }
    script.closing.append(EventScript.done)
    return Reply(events: script)
  }
}
