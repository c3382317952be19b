import Foundation

/// Embeddings, rerank, moderations, images and audio, at OpenAI's paths.
extension Answer {
  private var promptUsage: JSON {
    ["prompt_tokens": .int(promptTokens), "total_tokens": .int(promptTokens)]
  }

  private func reply(_ members: [(key: String, value: JSON)], usage usageValue: JSON) -> Reply {
    Reply(json: .object(usage == .none ? members : members + [("usage", usageValue)]))
  }

  /// `/v1/embeddings`: the same numbers every time, as floats or as base64 of little-endian
  /// float32.
  func embeddings() -> Reply {
    let values = (0..<request.dimensions).map { Float($0 % 16) / 16 - 0.5 }
    let embedding: JSON
    if request.base64 {
      var raw = Data()
      for value in values {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
          raw.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
        }
      }
      embedding = .string(raw.base64EncodedString())
    } else {
      embedding = .array(values.map { .double(Double($0)) })
    }
    let data = (0..<request.inputs).map { index -> JSON in
      ["object": "embedding", "index": .int(index), "embedding": embedding]
    }
    return reply(
      [("object", "list"), ("data", .array(data)), ("model", model)], usage: promptUsage)
  }

  /// `/v1/rerank`, in the form of Cohere's and Jina's APIs.
  func rerank() -> Reply {
    let results = (0..<request.inputs).map { index -> JSON in
      ["index": .int(index), "relevance_score": .double(1 / Double(index + 1))]
    }
    return reply(
      [("id", .string("rerank-sim-\(number)")), ("model", model), ("results", .array(results))],
      usage: promptUsage)
  }

  /// `/v1/moderations`: nothing is flagged, and there is no usage.
  func moderations() -> Reply {
    let names = ["harassment", "hate", "self-harm", "sexual", "violence"]
    let result: JSON = [
      "flagged": false,
      "categories": .object(names.map { (key: $0, value: false) }),
      "category_scores": .object(names.map { (key: $0, value: .double(0.0001)) }),
    ]
    return Reply(json: [
      "id": .string("modr-sim-\(number)"), "model": model,
      "results": .array(Array(repeating: result, count: request.inputs)),
    ])
  }

  /// `/v1/images/generations`: one transparent pixel as PNG for each image that was asked for.
  func images() -> Reply {
    let pixel =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    let image: JSON = ["b64_json": .string(pixel)]
    return reply(
      [
        ("created", Answer.created),
        ("data", .array(Array(repeating: image, count: request.choices))),
      ], usage: inputOutputUsage(output: outputTokens))
  }

  /// `/v1/audio/speech`: 64 bytes for each token. They only claim to be MP3.
  func speech() -> Reply {
    let bytes = (0..<(64 * tokens)).map { UInt8(truncatingIfNeeded: $0) }
    return Reply(bytes, contentType: "audio/mpeg", tokens: tokens)
  }

  /// `/v1/audio/transcriptions` and `/v1/audio/translations`: text, JSON or a stream, as asked.
  func transcript() -> Reply {
    if request.format == "text" {
      return Reply(Array((text + "\n").utf8), contentType: "text/plain; charset=utf-8")
    }
    if request.stream { return transcriptStream() }
    return reply([("text", .string(text))], usage: transcriptUsage)
  }

  private var transcriptUsage: JSON {
    [
      "type": "tokens", "input_tokens": .int(promptTokens), "output_tokens": .int(tokens),
      "total_tokens": .int(promptTokens + tokens),
    ]
  }

  private func transcriptStream() -> Reply {
    var script = EventScript(tokens: tokens) { index in
      EventScript.event(["type": "transcript.text.delta", "delta": .string(Answer.word(index))])
    }
    var done: [(key: String, value: JSON)] = [
      ("type", "transcript.text.done"), ("text", .string(text)),
    ]
    if usage != .none { done.append(("usage", transcriptUsage)) }
    script.closing = [EventScript.event(.object(done)), EventScript.done]
    return Reply(events: script)
  }

  /// The usage object of the Responses and images APIs.
  func inputOutputUsage(output: Int) -> JSON {
    [
      "input_tokens": .int(promptTokens),
      "input_tokens_details": ["cached_tokens": .int(cachedTokens)],
      "output_tokens": .int(output),
      "output_tokens_details": ["reasoning_tokens": 0],
      "total_tokens": .int(promptTokens + output),
    ]
  }
}
