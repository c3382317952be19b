import Inference
import Policy
import Terms
import Testing

@testable import Books

/// Answers as providers give them, and what they cost by their list prices, in JSON and as a stream. The
/// prices are those of public price pages, and of copies of them, on 30 November 2026; the dollars were
/// computed with decimal numbers, apart from this code.
@Suite struct WorkedPriceTests {
  enum Dialect {
    case chat, responses, messages, gemini, cohere, embeddings, transcription, rerank, pictures

    var isStreamed: Bool {
      switch self {
      case .chat, .responses, .messages, .gemini, .cohere: true
      case .embeddings, .transcription, .rerank, .pictures: false
      }
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let model: String
    let dialect: Dialect
    /// The usage object; of pictures, how many.
    let usage: String
    var tier: String?
    let usd: String

    init(_ model: String, _ dialect: Dialect, _ usage: String, tier: String? = nil, _ usd: String) {
      (self.model, self.dialect, self.usage, self.tier, self.usd) = (
        model, dialect, usage, tier, usd
      )
    }

    var testDescription: String { "\(model) \(usage) \(tier ?? "")" }
  }

  /// Dollars for a million tokens and for other units, as a policy states them.
  private static let models = [

    "claude-opus-4.5": """
    price_usd_per_million: { prompt: 5, cached_prompt: 0.5, cache_write_prompt: 6.25, \
    cache_write_1h_prompt: 10, completion: 25 }, price_usd_per_thousand: { web_search: \
    10 }
    """,
    "claude-opus-4.1": """
    price_usd_per_million: { prompt: 15, cached_prompt: 1.5, cache_write_prompt: 18.75, \
    cache_write_1h_prompt: 30, completion: 75 }
    """,
    "claude-sonnet-4.5": """
    price_usd_per_million: { prompt: 3, cached_prompt: 0.3, cache_write_prompt: 3.75, \
    cache_write_1h_prompt: 6, completion: 15, above: { prompt_tokens: 200000, prompt: 6, \
    cached_prompt: 0.6, cache_write_prompt: 7.5, cache_write_1h_prompt: 12, completion: \
    22.5 }, tiers: { batch: { prompt: 1.5, cached_prompt: 0.15, cache_write_prompt: \
    1.875, cache_write_1h_prompt: 3, completion: 7.5 } } }, price_usd_per_thousand: { \
    web_search: 10 }
    """,
    "claude-haiku-4.5": """
    price_usd_per_million: { prompt: 1, cached_prompt: 0.1, cache_write_prompt: 1.25, \
    cache_write_1h_prompt: 2, completion: 5 }, price_usd_per_thousand: { web_search: 10 \
    }
    """,
    "claude-haiku-3.5": """
    price_usd_per_million: { prompt: 0.8, cached_prompt: 0.08, cache_write_prompt: 1, \
    cache_write_1h_prompt: 1.6, completion: 4 }
    """,
    "claude-haiku-3": """
    price_usd_per_million: { prompt: 0.25, cached_prompt: 0.03, cache_write_prompt: 0.3, \
    cache_write_1h_prompt: 0.5, completion: 1.25 }
    """,
    "gpt-5": """
    price_usd_per_million: { prompt: 1.25, cached_prompt: 0.125, completion: 10, tiers: \
    { flex: { prompt: 0.625, cached_prompt: 0.0625, completion: 5 }, priority: { prompt: \
    2.5, cached_prompt: 0.25, completion: 20 } } }
    """,
    "gpt-5-mini": "price_usd_per_million: { prompt: 0.25, cached_prompt: 0.025, completion: 2 }",
    "gpt-5-nano": "price_usd_per_million: { prompt: 0.05, cached_prompt: 0.005, completion: 0.4 }",
    "gpt-5.4": "price_usd_per_million: { prompt: 2.5, cached_prompt: 0.25, completion: 15 }",
    "gpt-5.4-nano": "price_usd_per_million: { prompt: 0.2, cached_prompt: 0.02, completion: 1.25 }",
    "gpt-5.5": "price_usd_per_million: { prompt: 5, cached_prompt: 0.5, completion: 30 }",
    "gpt-4o": "price_usd_per_million: { prompt: 2.5, cached_prompt: 1.25, completion: 10 }",
    "gpt-4o-mini": "price_usd_per_million: { prompt: 0.15, cached_prompt: 0.075, completion: 0.6 }",
    "gpt-4.1": "price_usd_per_million: { prompt: 2, cached_prompt: 0.5, completion: 8 }",
    "o3": "price_usd_per_million: { prompt: 2, cached_prompt: 0.5, completion: 8 }",
    "o4-mini": "price_usd_per_million: { prompt: 1.1, cached_prompt: 0.275, completion: 4.4 }",
    "gpt-4o-audio-preview": """
    price_usd_per_million: { prompt: 2.5, completion: 10, prompt_audio: 40, \
    completion_audio: 80 }
    """,
    "gpt-image-1": """
    price_usd_per_million: { prompt: 5, completion: 40, prompt_image: 10, \
    completion_image: 40 }
    """,
    "gemini-2.5-pro": """
    price_usd_per_million: { prompt: 1.25, cached_prompt: 0.125, completion: 10, above: \
    { prompt_tokens: 200000, prompt: 2.5, cached_prompt: 0.25, completion: 15 } }
    """,
    "gemini-2.5-flash": """
    price_usd_per_million: { prompt: 0.3, cached_prompt: 0.03, prompt_audio: 1, \
    completion: 2.5 }
    """,
    "deepseek-chat": """
    price_usd_per_million: { prompt: 0.28, cached_prompt: 0.028, completion: 0.42 }
    """,
    "mistral-large": "price_usd_per_million: { prompt: 2, completion: 6 }",
    "llama-3.3-70b": "price_usd_per_million: { prompt: 0.59, completion: 0.79 }",
    "command-a": "price_usd_per_million: { prompt: 2.5, completion: 10 }",
    "text-embedding-3-small": "price_usd_per_million: { prompt: 0.02 }",
    "text-embedding-3-large": "price_usd_per_million: { prompt: 0.13 }",
    "gpt-4o-transcribe": "price_usd_per_million: { prompt: 2.5, prompt_audio: 6, completion: 10 }",
    "whisper-1": "price_usd_per_minute: 0.006",
    "rerank-3.5": "price_usd_per_thousand: { rerank_unit: 2 }",
    "dall-e-3": "price_usd_per_image: 0.04",
  ]

  private static let rows: [Row] = [
    Row("claude-opus-4.5", .messages, #"{"input_tokens":2500,"output_tokens":800}"#, "0.0325"),
    Row(
      "claude-opus-4.5", .messages,
      """
      {"input_tokens":50,"output_tokens":1200,"cache_read_input_tokens":100000,
      "cache_creation_input_tokens":0}
      """, "0.08025"),
    Row(
      "claude-opus-4.5", .messages,
      """
      {"input_tokens":50,"output_tokens":1200,"cache_read_input_tokens":0,
      "cache_creation_input_tokens":100000,
      "cache_creation":{"ephemeral_5m_input_tokens":100000,"ephemeral_1h_input_tokens":0}}
      """, "0.65525"),
    Row(
      "claude-opus-4.5", .messages,
      """
      {"input_tokens":50,"output_tokens":1200,"cache_read_input_tokens":0,
      "cache_creation_input_tokens":100000,"cache_creation":{"ephemeral_5m_input_tokens":0,
      "ephemeral_1h_input_tokens":100000}}
      """, "1.03025"),
    Row(
      "claude-opus-4.5", .messages,
      """
      {"input_tokens":7,"output_tokens":4096,"cache_read_input_tokens":18000,
      "cache_creation_input_tokens":2250,"cache_creation":{"ephemeral_5m_input_tokens":250,
      "ephemeral_1h_input_tokens":2000}}
      """, "0.1329975"),
    Row(
      "claude-opus-4.5", .messages,
      """
      {"input_tokens":900,"output_tokens":300,"server_tool_use":{"web_search_requests":4}}
      """, "0.052"),
    Row("claude-opus-4.1", .messages, #"{"input_tokens":1234,"output_tokens":567}"#, "0.061035"),
    Row(
      "claude-opus-4.1", .messages,
      """
      {"input_tokens":0,"output_tokens":1,"cache_read_input_tokens":0,
      "cache_creation_input_tokens":8192,"cache_creation":{"ephemeral_5m_input_tokens":8192,
      "ephemeral_1h_input_tokens":0}}
      """, "0.153675"),
    Row("claude-sonnet-4.5", .messages, #"{"input_tokens":1000,"output_tokens":500}"#, "0.0105"),
    Row("claude-sonnet-4.5", .messages, #"{"input_tokens":200000,"output_tokens":1000}"#, "0.615"),
    Row(
      "claude-sonnet-4.5", .messages,
      #"{"input_tokens":200001,"output_tokens":1000}"#, "1.222506"),
    Row(
      "claude-sonnet-4.5", .messages,
      """
      {"input_tokens":1,"output_tokens":1000,"cache_read_input_tokens":200000,
      "cache_creation_input_tokens":0}
      """, "0.142506"),
    Row(
      "claude-sonnet-4.5", .messages,
      """
      {"input_tokens":100,"output_tokens":1000,"cache_read_input_tokens":150000,
      "cache_creation_input_tokens":60000,
      "cache_creation":{"ephemeral_5m_input_tokens":40000,
      "ephemeral_1h_input_tokens":20000}}
      """, "0.6531"),
    Row(
      "claude-sonnet-4.5", .messages,
      #"{"input_tokens":5000,"output_tokens":700,"service_tier":"batch"}"#, "0.01275"),
    Row(
      "claude-sonnet-4.5", .messages,
      """
      {"input_tokens":10,"output_tokens":700,"cache_read_input_tokens":4000,
      "cache_creation_input_tokens":990,"cache_creation":{"ephemeral_5m_input_tokens":990,
      "ephemeral_1h_input_tokens":0},"service_tier":"batch"}
      """, "0.00772125"),
    Row(
      "claude-sonnet-4.5", .messages,
      #"{"input_tokens":2000,"output_tokens":10,"service_tier":"standard"}"#, "0.00615"),
    Row(
      "claude-sonnet-4.5", .messages,
      """
      {"input_tokens":333,"output_tokens":222,"server_tool_use":{"web_search_requests":1}}
      """, "0.014329"),
    Row("claude-haiku-4.5", .messages, #"{"input_tokens":3,"output_tokens":1}"#, "0.000008"),
    Row(
      "claude-haiku-4.5", .messages,
      """
      {"input_tokens":12000,"output_tokens":350,"cache_read_input_tokens":9000,
      "cache_creation_input_tokens":0}
      """, "0.01465"),
    Row(
      "claude-haiku-3.5", .messages,
      """
      {"input_tokens":1999,"output_tokens":77,"cache_read_input_tokens":0,
      "cache_creation_input_tokens":1024,"cache_creation":{"ephemeral_5m_input_tokens":1024,
      "ephemeral_1h_input_tokens":0}}
      """, "0.0029312"),
    Row(
      "claude-haiku-3", .messages,
      """
      {"input_tokens":777,"output_tokens":333,"cache_read_input_tokens":2048,
      "cache_creation_input_tokens":0}
      """, "0.00067194"),
    Row(
      "gpt-5", .chat,
      #"{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}"#, "0.00325"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":4096,"completion_tokens":1,"total_tokens":4097,
      "prompt_tokens_details":{"cached_tokens":3968}}
      """, "0.000666"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":10000,"completion_tokens":8000,"total_tokens":18000,
      "prompt_tokens_details":{"cached_tokens":9984},
      "completion_tokens_details":{"reasoning_tokens":7500}}
      """, "0.081268"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}
      """, tier: "flex", "0.001625"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":4096,"completion_tokens":100,"total_tokens":4196,
      "prompt_tokens_details":{"cached_tokens":3968}}
      """, tier: "flex", "0.000828"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200}
      """, tier: "priority", "0.0065"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":4096,"completion_tokens":100,"total_tokens":4196,
      "prompt_tokens_details":{"cached_tokens":1024}}
      """, tier: "priority", "0.009936"),
    Row(
      "gpt-5", .chat,
      """
      {"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}
      """, tier: "default", "0.0001125"),
    Row(
      "gpt-5", .responses,
      #"{"input_tokens":1000,"output_tokens":200,"total_tokens":1200}"#, "0.00325"),
    Row(
      "gpt-5", .responses,
      """
      {"input_tokens":20000,"output_tokens":3000,"total_tokens":23000,
      "input_tokens_details":{"cached_tokens":19968},
      "output_tokens_details":{"reasoning_tokens":2048}}
      """, "0.032536"),
    Row(
      "gpt-5", .responses,
      """
      {"input_tokens":20000,"output_tokens":3000,"total_tokens":23000,
      "input_tokens_details":{"cached_tokens":128}}
      """, tier: "priority", "0.109712"),
    Row(
      "gpt-5", .responses,
      #"{"input_tokens":3000,"output_tokens":3000,"total_tokens":6000}"#, tier: "flex", "0.016875"),
    Row(
      "gpt-5-mini", .chat,
      #"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#, "0.00000225"),
    Row(
      "gpt-5-mini", .chat,
      """
      {"prompt_tokens":128000,"completion_tokens":16384,"total_tokens":144384,
      "prompt_tokens_details":{"cached_tokens":64000}}
      """, "0.050368"),
    Row(
      "gpt-5-nano", .chat,
      #"{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}"#, "0.00000295"),
    Row(
      "gpt-5-nano", .chat,
      """
      {"prompt_tokens":999,"completion_tokens":1,"total_tokens":1000,
      "prompt_tokens_details":{"cached_tokens":896}}
      """, "0.00001003"),
    Row(
      "gpt-5.4", .chat,
      #"{"prompt_tokens":1500,"completion_tokens":400,"total_tokens":1900}"#, "0.00975"),
    Row(
      "gpt-5.4", .responses,
      """
      {"input_tokens":90000,"output_tokens":12000,"total_tokens":102000,
      "input_tokens_details":{"cached_tokens":81920}}
      """, "0.22068"),
    Row(
      "gpt-5.4-nano", .chat,
      #"{"prompt_tokens":11,"completion_tokens":13,"total_tokens":24}"#, "0.00001845"),
    Row(
      "gpt-5.4-nano", .chat,
      """
      {"prompt_tokens":2011,"completion_tokens":13,"total_tokens":2024,
      "prompt_tokens_details":{"cached_tokens":1920}}
      """, "0.00007285"),
    Row(
      "gpt-5.5", .chat,
      """
      {"prompt_tokens":700,"completion_tokens":2500,"total_tokens":3200,
      "completion_tokens_details":{"reasoning_tokens":2000}}
      """, "0.0785"),
    Row(
      "gpt-4o", .chat,
      """
      {"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
      "prompt_tokens_details":{"cached_tokens":1920}}
      """, "0.005615"),
    Row(
      "gpt-4o", .chat,
      #"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}"#, "0.0001475"),
    Row(
      "gpt-4o-mini", .chat,
      #"{"prompt_tokens":1117,"completion_tokens":46,"total_tokens":1163}"#, "0.00019515"),
    Row(
      "gpt-4o-mini", .chat,
      """
      {"prompt_tokens":2047,"completion_tokens":1,"total_tokens":2048,
      "prompt_tokens_details":{"cached_tokens":1024}}
      """, "0.00023085"),
    Row(
      "gpt-4.1", .chat,
      """
      {"prompt_tokens":10101,"completion_tokens":101,"total_tokens":10202,
      "prompt_tokens_details":{"cached_tokens":5120}}
      """, "0.01333"),
    Row(
      "o3", .chat,
      """
      {"prompt_tokens":75,"completion_tokens":1186,"total_tokens":1261,
      "completion_tokens_details":{"reasoning_tokens":1024}}
      """, "0.009638"),
    Row(
      "o4-mini", .chat,
      """
      {"prompt_tokens":333,"completion_tokens":777,"total_tokens":1110,
      "completion_tokens_details":{"reasoning_tokens":640}}
      """, "0.0037851"),
    Row(
      "gpt-4o-audio-preview", .chat,
      """
      {"prompt_tokens":150,"completion_tokens":60,"total_tokens":210,
      "prompt_tokens_details":{"audio_tokens":120},
      "completion_tokens_details":{"audio_tokens":50}}
      """, "0.008975"),
    Row(
      "gpt-4o-audio-preview", .chat,
      """
      {"prompt_tokens":40,"completion_tokens":300,"total_tokens":340,
      "completion_tokens_details":{"audio_tokens":240}}
      """, "0.0199"),
    Row(
      "gpt-image-1", .responses,
      """
      {"input_tokens":580,"output_tokens":4160,"total_tokens":4740,
      "input_tokens_details":{"image_tokens":530}}
      """, "0.17195"),
    Row(
      "gemini-2.5-pro", .gemini,
      """
      {"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":2000,
      "thoughtsTokenCount":900}
      """, "0.01125"),
    Row(
      "gemini-2.5-pro", .gemini,
      """
      {"promptTokenCount":200001,"candidatesTokenCount":10,"totalTokenCount":200011}
      """, "0.5001525"),
    Row(
      "gemini-2.5-pro", .gemini,
      """
      {"promptTokenCount":250000,"candidatesTokenCount":500,"totalTokenCount":250500,
      "cachedContentTokenCount":240000}
      """, "0.0925"),
    Row(
      "gemini-2.5-flash", .gemini,
      """
      {"promptTokenCount":1300,"candidatesTokenCount":40,"totalTokenCount":1340,
      "promptTokensDetails":[{"modality":"AUDIO","tokenCount":1250},{"modality":"TEXT",
      "tokenCount":50}]}
      """, "0.001365"),
    Row(
      "mistral-large", .chat,
      #"{"prompt_tokens":1024,"completion_tokens":256,"total_tokens":1280}"#, "0.003584"),
    Row(
      "llama-3.3-70b", .chat,
      #"{"prompt_tokens":37,"completion_tokens":911,"total_tokens":948}"#, "0.00074152"),
    Row(
      "deepseek-chat", .chat,
      """
      {"prompt_tokens":3000,"completion_tokens":150,"total_tokens":3150,
      "prompt_cache_hit_tokens":2944,"prompt_cache_miss_tokens":56}
      """, "0.000161112"),
    Row(
      "command-a", .cohere,
      """
      {"billed_units":{"input_tokens":100,"output_tokens":40},"tokens":{"input_tokens":560,
      "output_tokens":41}}
      """, "0.00065"),
    Row(
      "text-embedding-3-small", .embeddings,
      #"{"prompt_tokens":8,"total_tokens":8}"#, "0.00000016"),
    Row(
      "text-embedding-3-large", .embeddings,
      #"{"prompt_tokens":8191,"total_tokens":8191}"#, "0.00106483"),
    Row(
      "gpt-4o-transcribe", .transcription,
      """
      {"type":"tokens","input_tokens":614,"output_tokens":45,"total_tokens":659,
      "input_token_details":{"audio_tokens":600,"text_tokens":14}}
      """, "0.004085"),
    Row("whisper-1", .transcription, #"{"type":"duration","seconds":11}"#, "0.0011"),
    Row("rerank-3.5", .rerank, #"{"search_units":3}"#, "0.006"),
    Row("dall-e-3", .pictures, "2", "0.08"),
  ]

  private static let snapshot: PolicySnapshot? = {
    let models = Self.models.map { name, prices in
      "\"\(name)\": { class: \"c\", routes: [{ name: \"r-\(name)\" }], \(prices) }"
    }
    let policy = """
      { version: 1, classes: { c: {} }, models: { \(models.joined(separator: ",\n")) },
        tenants: { t: { keys: [] } } }
      """
    let source = PolicySource(name: "prices.json5", bytes: Array(policy.utf8))
    let (snapshot, problems) = PolicyLoader.load([source], nowSeconds: 1_796_000_000)
    if snapshot == nil { Issue.record("\(problems)") }
    return snapshot
  }()

  private static func json(_ row: Row) -> String {
    let tier = row.tier.map { ",\"service_tier\":\"\($0)\"" } ?? ""
    return switch row.dialect {
    case .chat:
      #"{"object":"chat.completion","choices":[{"index":0,"message":{"content":"Hi"}}],"usage":"#
        + row.usage + tier + "}"
    case .responses:
      #"{"object":"response","status":"completed","output":[],"usage":"# + row.usage + tier + "}"
    case .messages:
      #"{"type":"message","content":[{"type":"text","text":"Hi"}],"usage":"# + row.usage + "}"
    case .gemini:
      #"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":"# + row.usage + "}"
    case .cohere:
      #"{"message":{"role":"assistant","content":[{"type":"text","text":"Hi"}]},"usage":"#
        + row.usage + "}"
    case .embeddings:
      #"{"object":"list","data":[{"embedding":[0.1,0.2],"index":0}],"usage":"# + row.usage + "}"
    case .transcription: #"{"text":"Hi","usage":"# + row.usage + "}"
    case .rerank:
      #"{"results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":"# + row.usage + "}}"
    case .pictures:
      #"{"created":1,"data":["#
        + (0..<(Int(row.usage) ?? 0)).map { _ in #"{"url":"https://x/y"}"# }.joined(separator: ",")
        + "]}"
    }
  }

  private static func stream(_ row: Row) -> String {
    let tier = row.tier.map { ",\"service_tier\":\"\($0)\"" } ?? ""
    let data: [String] =
      switch row.dialect {
      case .chat:
        [
          #"{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null"# + tier + "}",
          #"{"choices":[],"usage":"# + row.usage + tier + "}", "[DONE]",
        ]
      case .responses:
        [
          #"{"type":"response.output_text.delta","delta":"Hi"}"#,
          #"{"type":"response.completed","response":{"status":"completed","usage":"# + row.usage
            + tier + "}}",
        ]
      case .messages:
        [
          #"{"type":"message_start","message":{"content":[],"usage":"# + row.usage + "}}",
          #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
          #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":"# + row.usage + "}",
          #"{"type":"message_stop"}"#,
        ]
      case .gemini:
        [
          #"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#,
          #"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":"# + row.usage + "}",
        ]
      case .cohere:
        [
          #"{"type":"content-delta","delta":{"message":{"content":{"text":"Hi"}}}}"#,
          #"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":"# + row.usage + "}}",
        ]
      case .embeddings, .transcription, .rerank, .pictures: []
      }
    return data.map { "data: \($0)\n\n" }.joined()
  }

  private static func cost(
    _ body: String, _ format: ResponseFormat, _ row: Row
  ) throws -> Cost {
    let snapshot = try #require(snapshot)
    let model = snapshot.model(named: Array(row.model.utf8).span)
    let prices = try #require(model?.prices)
    var meter = ResponseMeter(.init(format: format, status: 200, startedMs: 0))
    _ = meter.consume(Array(body.utf8).span, nowMs: 0, endOfStream: true)
    return prices.cost(of: meter.finish(endedCleanly: true))
  }

  @Test(arguments: rows) func `an answer costs what the invoice will say`(row: Row) throws {
    let cost = try Self.cost(Self.json(row), .json, row)
    #expect(Dollars.text(cost.nanoDollars) == row.usd)
    #expect(cost.isWhole && cost.parts.unpriced.isEmpty)
    guard row.dialect.isStreamed else { return }
    let streamed = try Self.cost(Self.stream(row), .eventStream, row)
    #expect(streamed == cost)
  }
}
