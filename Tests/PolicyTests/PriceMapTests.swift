import Terms
import Testing

@testable import Policy

@Suite struct PriceMapTests {
  private func fragment(_ text: String, _ names: [String] = []) throws -> PriceFragment {
    let (map, problems) = PriceMap.read(PolicySource(name: "m", bytes: Array(text.utf8)))
    #expect(problems.isEmpty, "\(problems)")
    return try #require(map).fragment(of: names)
  }

  /// The fragment's prices of model `m` with this entry, in a policy; nil `notes` are any.
  private func prices(_ entry: String, notes: [String]? = []) throws -> Prices {
    let fragment = try fragment("{ \"m\": { \(entry) } }", ["m"])
    if let notes { #expect(fragment.notes.map(\.text) == notes) }
    let models = fragment.text.replacing(
      "\"m\": {", with: "\"m\": { class: \"c\", routes: [{ name: \"r\" }], ")
    let policy = "{ version: 1, classes: { c: {} }, tenants: {}, \(models.dropFirst().dropLast()) }"
    let loaded = load(policy)
    #expect(!loaded.problems.contains { $0.contains("has no `") }, "\(loaded.problems)")
    return try #require(
      loaded.policy?.model("m")?.prices, "\(loaded.problems)\n\(fragment.text)")
  }

  @Test(
    arguments: [
      ("2e-06", 2_000_000), ("2.5E-06", 2_500_000), ("0.0000025", 2_500_000), ("5.7e-09", 5_700),
      ("1e-12", 1), ("0", 0), ("0.0", 0), ("1", 1_000_000_000_000), ("3.125e-06", 3_125_000),
      // What a Double would make of them.
      ("1.43e-08", 14_300), ("1.1e-7", 110_000), ("0.00000029", 290_000),
      ("123456789e-15", 123_456_789_000 / 1_000_000),
    ] as [(String, Int64)])
  func `a price of a token is taken digit by digit`(text: String, picos: Int64) throws {
    let isExact = text != "123456789e-15"
    let rounded = ["input_cost_per_token", "output_cost_per_token"].map {
      "\($0): rounded to a pico-dollar a token"
    }
    let prices = try prices(
      "\"input_cost_per_token\": \(text), \"output_cost_per_token\": \(text)",
      notes: isExact ? [] : rounded)
    #expect(prices.standard.tokens[.prompt] == (isExact ? picos : 123_457))
    #expect(prices.standard.tokens[.completion] == (isExact ? picos : 123_457))
  }

  @Test(
    arguments: [
      ("2.4999999999999998e-07", 250_000), ("6.000000000000001e-07", 600_000), ("1e-30", 1),
      ("4e-13", 1), ("1.5e-12", 2),
    ] as [(String, Int64)])
  func `finer digits than a policy holds are rounded, never to 0, and it is said`(
    text: String, picos: Int64
  ) throws {
    let prices = try prices(
      "\"input_cost_per_token\": \(text), \"output_cost_per_token\": 0",
      notes: ["input_cost_per_token: rounded to a pico-dollar a token"])
    #expect(prices.standard.tokens[.prompt] == picos)
  }

  @Test func `every kind of tokens has its price`() throws {
    let fields: [(String, TokenKind)] = [
      ("input_cost_per_token", .prompt), ("cache_read_input_token_cost", .cachedPrompt),
      ("cache_creation_input_token_cost", .cacheWritePrompt),
      ("cache_creation_input_token_cost_above_1hr", .cacheWrite1hPrompt),
      ("input_cost_per_audio_token", .promptAudio), ("input_cost_per_image_token", .promptImage),
      ("output_cost_per_token", .completion), ("output_cost_per_audio_token", .completionAudio),
      ("output_cost_per_image_token", .completionImage),
    ]
    #expect(Set(fields.map(\.1)) == Set(TokenKind.allCases))
    for (suffix, tier, tokens) in [
      ("", nil, 1), ("_flex", .flex, 1), ("_priority", .priority, 1), ("_batches", .batch, 1),
      ("_above_200k_tokens", nil, 200_001), ("_above_128000_tokens", nil, 128_001),
      ("_above_200k_tokens_priority", .priority, 200_001),
      ("_flex_above_200k_tokens", .flex, 200_001),
    ] as [(String, ServiceTier?, Int64)] {
      // The standard prices are others, so that the ones asked for are told from them.
      var entry = suffix.isEmpty ? [] : fields.map { "\"\($0.0)\": 9e-6" }
      entry += fields.enumerated().map { "\"\($1.0)\(suffix)\": \($0 + 1)e-6" }
      let got = try prices(entry.joined(separator: ", "), notes: nil).tokens(
        in: tier, promptTokens: tokens)
      #expect(got.isAbove == (tokens > 1))
      for (index, field) in fields.enumerated() {
        #expect(got.prices[field.1] == Int64(index + 1) * 1_000_000, "\(field.0)\(suffix)")
      }
    }
  }

  @Test func `what a tier or a long prompt does not state costs what it does beside`() throws {
    let prices = try prices(
      """
      "input_cost_per_token": 4e-6, "output_cost_per_token": 8e-6,
      "cache_read_input_token_cost": 1e-6, "input_cost_per_token_flex": 2e-6,
      "input_cost_per_token_above_200k_tokens": 6e-6,
      "output_cost_per_token_above_200k_tokens_flex": 7e-6
      """,
      notes: [
        "tier flex: the map has no cached_prompt, completion; the standard price stands there",
        "prices above 200000 tokens: the map has no cached_prompt, completion; "
          + "the standard price stands there",
        "tier flex above 200000 tokens: the map has no prompt, cached_prompt; "
          + "the standard price stands there",
      ])
    let flex = prices.tokens(in: .flex, promptTokens: 1).prices
    #expect(flex[.prompt] == 2_000_000)
    #expect(flex[.cachedPrompt] == 1_000_000)
    #expect(flex[.completion] == 8_000_000)
    let long = prices.tokens(in: .flex, promptTokens: 200_001).prices
    #expect(long[.prompt] == 6_000_000)
    #expect(long[.completion] == 7_000_000)
    #expect(prices.tokens(in: nil, promptTokens: 200_001).prices[.completion] == 8_000_000)
  }

  @Test func `factors for fast answers, regions and long prompts are multiplied out`() throws {
    let prices = try prices(
      """
      "input_cost_per_token": 5e-6, "output_cost_per_token": 2.5e-5, "long_context_input_token_threshold": 272000,
      "long_context_input_cost_multiplier": 2.0, "long_context_output_cost_multiplier": 1.5,
      "provider_specific_entry": { "fast": 6.0, "us": 1.1 },
      "regional_processing_uplift_multiplier_eu": 1.25
      """)
    let fast = prices.tokens(in: .fast, promptTokens: 1).prices
    #expect(fast[.prompt] == 30_000_000)
    #expect(fast[.completion] == 150_000_000)
    let long = prices.tokens(in: nil, promptTokens: 272_001).prices
    #expect(long[.prompt] == 10_000_000)
    #expect(long[.completion] == 37_500_000)
    #expect(prices.factor(in: .us) == 1_100)
    #expect(prices.factor(in: .eu) == 1_250)
  }

  @Test func `a factor for long prompts counts for what a tier takes from the standard prices`()
    throws
  {
    let prices = try prices(
      """
      "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-5, "cache_read_input_token_cost": 2e-7,
      "input_cost_per_token_batches": 1e-6, "output_cost_per_token_batches": 5e-6,
      "long_context_input_token_threshold": 272000, "long_context_input_cost_multiplier": 2.0
      """,
      notes: ["tier batch: the map has no cached_prompt; the standard price stands there"])
    let long = prices.tokens(in: .batch, promptTokens: 272_001).prices
    #expect(long[.prompt] == 2_000_000)
    #expect(long[.cachedPrompt] == 400_000)
    #expect(long[.completion] == 5_000_000)
  }

  @Test func `pictures, minutes, searches, rerank units and requests have their prices`() throws {
    let others = try prices(
      """
      "mode": "chat", "output_cost_per_image": 0.04, "input_cost_per_request": 0.001,
      "file_search_cost_per_1k_calls": 2.5,
      "search_context_cost_per_query": { "search_context_size_low": 0.025,
        "search_context_size_medium": 0.03, "search_context_size_high": 0.035 }
      """,
      notes: [
        "search_context_cost_per_query: its sizes have several prices; the largest is taken"
      ]
    ).others
    #expect(others.perImage == 40_000_000)
    #expect(others.perRequest == 1_000_000)
    #expect(others.perThousandFileSearches == 2_500_000_000)
    #expect(others.perThousandWebSearches == 35_000_000_000)
    let sound = try prices(
      """
      "mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001
      """)
    #expect(sound.others.perMinute == 6_000_000)
    #expect(!sound.pricesTokens)
    let picture = try prices("\"mode\": \"image_generation\", \"input_cost_per_image\": 0.08")
    #expect(picture.others.perImage == 80_000_000)
    let rerank = try prices("\"mode\": \"rerank\", \"input_cost_per_query\": 0.002")
    #expect(rerank.others.perThousandRerankUnits == 2_000_000_000)
  }

  @Test func `where only pictures come out they are what the answer costs`() throws {
    let prices = try prices(
      """
      "input_cost_per_token": 5e-6, "input_cost_per_image_token": 1e-5,
      "output_cost_per_image_token": 4e-5
      """)
    #expect(prices.standard.tokens[.completion] == 40_000_000)
  }

  @Test func `what the policy has no price for is said once, with the models`() throws {
    let map = """
      { "sample_spec": { "input_cost_per_token": "a text" },
        "b": { "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "input_cost_per_pixel": 1e-9 },
        "a": { "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "input_cost_per_pixel": 2e-9,
               "output_cost_per_reasoning_token": 3e-6, "input_cost_per_character": 0.0,
               "max_tokens": 4096, "supports_vision": true, "litellm_provider": "openai" },
        "c": { "mode": "chat", "input_cost_per_second": 0.1 } }
      """
    let fragment = try fragment(map)
    #expect(fragment.isComplete)
    #expect(fragment.count == 2)
    let notes = fragment.notes.map { "\($0.models.joined(separator: " ")): \($0.text)" }
    #expect(
      notes == [
        "a b: input_cost_per_pixel: left out, the policy has no such price",
        "a: output_cost_per_reasoning_token: left out, reasoning costs what `completion` does",
        "c: input_cost_per_second: left out, the policy has no such price",
        "c: the map has no price that the policy knows",
      ])
    #expect(try !self.fragment(map, ["c"]).isComplete)
  }

  @Test func `of several thresholds the first is kept`() throws {
    let prices = try prices(
      """
      "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6,
      "input_cost_per_token_above_128k_tokens": 2e-6, "output_cost_per_token_above_128k_tokens": 2e-6,
      "input_cost_per_token_above_256k_tokens": 3e-6
      """,
      notes: [
        "prices above 256000 tokens: left out, the policy has one threshold; those above 128000 are kept"
      ])
    #expect(prices.standard.above?.promptTokens == 128_000)
  }

  @Test func `a model that the map lacks is said, with those that it may be`() throws {
    let map = """
      { "azure/gpt-4o": { "input_cost_per_token": 1e-6 }, "gpt-4o-mini": { "input_cost_per_token": 1e-6 } }
      """
    let fragment = try fragment(map, ["gpt-4o", "gpt-4o-mimi", "nothing-like-it"])
    #expect(!fragment.isComplete)
    #expect(
      fragment.notes.map(\.text) == [
        "the map has no model of that name; there is `azure/gpt-4o`",
        "the map has no model of that name; did you mean `gpt-4o-mini`?",
        "the map has no model of that name",
      ])
  }

  @Test(arguments: [
    ("\"input_cost_per_token\": \"1e-6\"", "input_cost_per_token is text and not a number"),
    ("\"input_cost_per_token\": [1]", "input_cost_per_token is a list and not a number"),
    ("\"input_cost_per_token\": -1e-6", "input_cost_per_token is negative"),
    ("\"input_cost_per_token\": 1e300", "input_cost_per_token is more than a price can be"),
    ("\"input_cost_per_token\": NaN", "input_cost_per_token is Infinity or NaN and not a number"),
    (
      "\"search_context_cost_per_query\": 1",
      "search_context_cost_per_query is a number and not an object"
    ),
    ("\"provider_specific_entry\": { \"us\": 1000 }", "us is no factor of a region"),
    ("\"provider_specific_entry\": { \"fast\": -2 }", "fast is negative"),
  ])
  func `a price that is none leaves its model out, never without it`(
    field: String, reason: String
  ) throws {
    let map =
      "{ \"m\": { \"output_cost_per_token\": 1e-6, \(field) }, \"n\": { \"input_cost_per_token\": 1e-6 } }"
    for names in [[], ["m"], ["m", "n"]] {
      let fragment = try fragment(map, names)
      #expect(fragment.notes.map(\.text).contains("left out: \(reason)"))
      #expect(!fragment.isComplete)
      #expect(!fragment.text.contains("\"m\""))
    }
  }

  @Test func `a name that no policy can have is left out`() throws {
    let fragment = try fragment("{ \"a/*/b\": { \"input_cost_per_token\": 1e-6 } }")
    #expect(fragment.notes.map(\.text) == ["left out: no name that a model can have in a policy"])
    #expect(fragment.count == 0)
  }

  @Test(arguments: [
    ("", "m:1:1: error: the file is empty; it must hold an object: { … }"),
    ("[1]", "m:1:1: error: must be an object with an entry for each model, not a list"),
    ("{} {}", "m:1:4: error: nothing may follow the object; remove what is from here on"),
    (
      "{\n \"a\": {\"x\": 1, \"x\": 2} }",
      "m:2:16: error: the key `x` is given twice; the first is at line 2, column 8"
    ),
    (
      "{\"a\": " + String(repeating: "[", count: 100_000),
      "m:1:38: error: nested more than 32 deep (depthMax)"
    ),
    ("{\"a\": 1", "m:1:1: error: this { is never closed; add a }"),
    (
      "{\"a\": {\"b\": \(String(repeating: "1", count: 65))}}",
      "m:1:13: error: a number longer than 64 characters (numberBytesMax)"
    ),
  ])
  func `a file that is no price map is refused with its place`(text: String, problem: String) {
    let (map, problems) = PriceMap.read(PolicySource(name: "m", bytes: Array(text.utf8)))
    #expect(map == nil)
    #expect(problems.map(\.description).contains(problem), "\(problems)")
  }

  @Test func `a file that is too large, or not text, is refused`() {
    let large = [UInt8](repeating: 0x20, count: PriceMap.bytesMax + 1)
    #expect(
      PriceMap.read(PolicySource(name: "m", bytes: large)).problems.map(\.description)
        == ["m:1:1: error: the file has more than 16777216 bytes"])
    let binary = PriceMap.read(PolicySource(name: "m", bytes: [0x7b, 0xff]))
    #expect(
      binary.problems.map(\.description) == ["m:1:2: error: the file is not UTF-8 from here on"])
  }

  @Test func `a very large map with hostile values is read to its end`() throws {
    let entry =
      "\"input_cost_per_token\": 1e-6, \"x_cost\": [\([String](repeating: "0", count: 50).joined(separator: ","))]"
    let map = "{" + (0..<20_000).map { "\"m\($0)\": {\(entry)}" }.joined(separator: ",") + "}"
    let fragment = try fragment(map)
    #expect(fragment.count == 20_000)
    #expect(fragment.notes.map(\.models.count) == [20_000])
  }
}
