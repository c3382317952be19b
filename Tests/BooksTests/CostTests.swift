import Inference
import Terms
import Testing

@testable import Books

/// What answers cost, worked out by hand from public price pages as they stood in November 2026.
@Suite struct CostTests {
  /// Dollars for a million tokens, as pico-dollars for one.
  private static func list(_ usd: [TokenKind: Double]) -> TokenPrices {
    TokenPrices(usd.mapValues { Int64(($0 * 1_000_000).rounded()) })
  }

  /// A model with everything: prices differ from each other, so that none can be taken for another.
  private static let prices: Prices = {
    var others = Prices.Others()
    others.perThousandWebSearches = 10_000_000_000
    others.perThousandFileSearches = 2_500_000_000
    return Prices(
      standard: Prices.Rates(
        tokens: list([
          .prompt: 3, .cachedPrompt: 0.3, .cacheWritePrompt: 3.75, .cacheWrite1hPrompt: 6,
          .completion: 15, .promptAudio: 32, .completionAudio: 64, .promptImage: 5,
          .completionImage: 40,
        ]),
        above: Prices.Above(
          promptTokens: 200_000,
          tokens: list([
            .prompt: 6, .cachedPrompt: 0.6, .cacheWritePrompt: 7.5, .cacheWrite1hPrompt: 12,
            .completion: 22.5,
          ]))),
      tiers: [
        .flex: Prices.Rates(tokens: list([.prompt: 1.5, .cachedPrompt: 0.15, .completion: 7.5])),
        .priority: Prices.Rates(tokens: list([.prompt: 6, .cachedPrompt: 0.6, .completion: 30])),
        .batch: Prices.Rates(
          tokens: list([.prompt: 1.5, .completion: 7.5]),
          above: Prices.Above(
            promptTokens: 200_000, tokens: list([.prompt: 3, .completion: 11.25]))),
      ],
      regions: [.us: 1_100], others: others)
  }()

  struct Row: Sendable, CustomTestStringConvertible {
    let what: String
    var prompt: Int? = nil
    var completion: Int? = nil
    var cached: Int? = nil
    var written: Int? = nil
    var hour: Int? = nil
    var audio: (Int, Int) = (0, 0)
    var image: (Int, Int) = (0, 0)
    var tier: ServiceTier? = nil
    var region: ServedRegion? = nil
    var units: [(UsageUnits.Unit, Int64)] = []
    let usd: String
    var unpriced: [Unpriced] = []

    var testDescription: String { what }

    var usage: MeteredUsage {
      var usage = MeteredUsage()
      usage.prompt = prompt
      usage.completion = completion
      usage.cachedPrompt = cached
      usage.cacheWritePrompt = written
      usage.cacheWrite1hPrompt = hour
      usage.promptAudio = audio.0
      usage.completionAudio = audio.1
      usage.promptImage = image.0
      usage.completionImage = image.1
      usage.tier = tier
      usage.region = region
      for (unit, amount) in units { usage.units[unit] = amount }
      return usage
    }
  }

  private static let rows: [Row] = [
    Row(what: "prompt and answer", prompt: 1_000, completion: 100, usd: "0.0045"),
    Row(what: "nothing", prompt: 0, completion: 0, usd: "0"),
    Row(what: "one token of the prompt", prompt: 1, completion: 0, usd: "0.000003"),
    Row(what: "read from the cache", prompt: 10_000, completion: 0, cached: 9_000, usd: "0.0057"),
    Row(
      what: "written for minutes", prompt: 10_100, completion: 50, written: 10_000, usd: "0.03855"),
    Row(
      what: "written for an hour, most of it", prompt: 10_100, completion: 50, written: 10_000,
      hour: 9_000, usd: "0.0588"),
    Row(
      what: "all written for an hour", prompt: 500, completion: 0, written: 500, hour: 500,
      usd: "0.003"),
    Row(
      what: "more for an hour than written", prompt: 500, completion: 0, written: 500, hour: 900,
      usd: "0.003"),
    Row(
      what: "read and written", prompt: 3_000, completion: 10, cached: 1_000, written: 1_000,
      usd: "0.0072"),
    Row(
      what: "more cached than there is", prompt: 100, completion: 0, cached: 1_000, usd: "0.00003"),
    Row(what: "sound in", prompt: 150, completion: 0, audio: (100, 0), usd: "0.00335"),
    Row(what: "sound out", prompt: 0, completion: 150, audio: (0, 100), usd: "0.00715"),
    Row(what: "sound both ways", prompt: 100, completion: 100, audio: (100, 100), usd: "0.0096"),
    Row(what: "a picture in", prompt: 1_200, completion: 0, image: (1_000, 0), usd: "0.0056"),
    Row(
      what: "a picture out", prompt: 50, completion: 4_160, image: (0, 4_160), usd: "0.16655"),
    Row(
      what: "sound and a picture in", prompt: 300, completion: 0, audio: (100, 0), image: (100, 0),
      usd: "0.004"),
    Row(what: "at the threshold", prompt: 200_000, completion: 0, usd: "0.6"),
    Row(what: "above the threshold", prompt: 200_001, completion: 0, usd: "1.200006"),
    Row(
      what: "above it because of the cache", prompt: 250_000, completion: 1_000, cached: 240_000,
      usd: "0.2265"),
    Row(
      what: "above it with writes", prompt: 250_000, completion: 0, written: 50_000, hour: 10_000,
      usd: "1.62"),
    Row(what: "flex", prompt: 1_000, completion: 100, tier: .flex, usd: "0.00225"),
    Row(
      what: "flex, cached", prompt: 1_000, completion: 0, cached: 1_000, tier: .flex, usd: "0.00015"
    ),
    Row(
      what: "flex says nothing of writes", prompt: 1_000, completion: 0, written: 1_000,
      tier: .flex, usd: "0.0015"),
    Row(
      what: "flex says nothing of long prompts", prompt: 300_000, completion: 0, tier: .flex,
      usd: "1.8"),
    Row(what: "priority", prompt: 1_000, completion: 100, tier: .priority, usd: "0.009"),
    Row(what: "fast is priority", prompt: 1_000, completion: 100, tier: .fast, usd: "0.009"),
    Row(what: "batch", prompt: 1_000, completion: 100, tier: .batch, usd: "0.00225"),
    Row(what: "batch, long", prompt: 300_000, completion: 1_000, tier: .batch, usd: "0.91125"),
    Row(what: "the default tier", prompt: 1_000, completion: 0, tier: .default, usd: "0.003"),
    Row(what: "the standard tier", prompt: 1_000, completion: 0, tier: .standard, usd: "0.003"),
    Row(what: "a tier of its own choice", prompt: 1_000, completion: 0, tier: .auto, usd: "0.003"),
    Row(
      what: "a tier without prices", prompt: 1_000, completion: 0, tier: .scale, usd: "0.003",
      unpriced: [.tier]),
    Row(
      what: "a tier that nobody knows", prompt: 1_000, completion: 0, tier: .other, usd: "0.003",
      unpriced: [.tier]),
    Row(what: "in the United States", prompt: 1_000, completion: 100, region: .us, usd: "0.00495"),
    Row(
      what: "in the United States, fast", prompt: 1_000, completion: 100, tier: .fast, region: .us,
      usd: "0.0099"),
    Row(what: "anywhere", prompt: 1_000, completion: 100, region: .global, usd: "0.0045"),
    Row(
      what: "three searches", prompt: 1_000, completion: 0, units: [(.webSearches, 3_000)],
      usd: "0.033"),
    Row(
      what: "searches of files", prompt: 0, completion: 0, units: [(.fileSearches, 2_000)],
      usd: "0.005"),
    Row(
      what: "searches are not dearer anywhere", prompt: 0, completion: 0, region: .us,
      units: [(.webSearches, 1_000)], usd: "0.01"),
    Row(
      what: "seconds beside tokens need no price", prompt: 1_000, completion: 0,
      units: [(.seconds, 60_000)], usd: "0.003"),
    Row(
      what: "pictures beside tokens need no price", prompt: 1_000, completion: 0,
      units: [(.images, 1_000)], usd: "0.003"),
  ]

  @Test(arguments: rows) func `an answer costs what the price page says`(row: Row) throws {
    let cost = Self.prices.cost(of: row.usage)
    #expect(Dollars.text(cost.nanoDollars) == row.usd)
    #expect(cost.parts.unpriced == row.unpriced)
    #expect(cost.isWhole)
  }

  /// (what is stated, what was used, dollars; nil where they are not known)
  private static let alone:
    [(String, @Sendable (inout Prices.Others) -> Void, [(UsageUnits.Unit, Int64)], String?)] = [
      ("eleven seconds", { $0.perMinute = 6_000_000 }, [(.seconds, 11_000)], "0.0011"),
      ("a part of a second", { $0.perMinute = 6_000_000 }, [(.seconds, 250)], "0.000025"),
      ("a millisecond", { $0.perMinute = 6_000_000 }, [(.seconds, 1)], "0.0000001"),
      ("a price that does not divide", { $0.perMinute = 1 }, [(.seconds, 1)], "0.000000001"),
      ("an hour", { $0.perMinute = 6_000_000 }, [(.seconds, 3_600_000)], "0.36"),
      ("a rerank", { $0.perThousandRerankUnits = 2_000_000_000 }, [(.searchUnits, 1_000)], "0.002"),
      (
        "units of a rerank", { $0.perThousandRerankUnits = 2_000_000_000 }, [(.rerankUnits, 7_000)],
        "0.014"
      ),
      (
        "both names of one unit", { $0.perThousandRerankUnits = 2_000_000_000 },
        [(.rerankUnits, 7_000), (.searchUnits, 7_000)], "0.014"
      ),
      ("a picture", { $0.perImage = 40_000_000 }, [(.images, 1_000)], "0.04"),
      ("ten pictures", { $0.perImage = 40_000_000 }, [(.images, 10_000)], "0.4"),
      ("a call", { $0.perRequest = 2_000_000 }, [], "0.002"),
      ("a call, whatever it made", { $0.perRequest = 2_000_000 }, [(.images, 3_000)], "0.002"),
      (
        "a call and its length",
        {
          $0.perRequest = 1_000_000
          $0.perMinute = 6_000_000
        }, [(.seconds, 60_000)], "0.007"
      ),
      ("seconds without a price", { $0.perRequest = 0 }, [(.seconds, 11_000)], nil),
      ("a rerank without a price", { $0.perImage = 1 }, [(.rerankUnits, 1_000)], nil),
      ("a picture without a price", { $0.perMinute = 1 }, [(.images, 1_000)], nil),
      ("a search without a price", { $0.perRequest = 1 }, [(.webSearches, 1_000)], nil),
      ("a search of files without a price", { $0.perRequest = 1 }, [(.fileSearches, 1_000)], nil),
    ]

  @Test func `what is billed otherwise than by tokens`() {
    for (what, state, units, usd) in Self.alone {
      var others = Prices.Others()
      state(&others)
      let prices = Prices(
        standard: Prices.Rates(tokens: TokenPrices([:])), others: others, pricesTokens: false)
      let row = Row(what: what, units: units, usd: "")
      let cost = prices.cost(of: row.usage)
      #expect(cost.isWhole == (usd != nil), "\(what)")
      #expect(cost.parts.unpriced.isEmpty == (usd != nil), "\(what)")
      if let usd { #expect(Dollars.text(cost.nanoDollars) == usd, "\(what)") }
    }
  }

  @Test func `a cost is rounded up once, not part by part`() {
    // 0.0375 dollars a million: 0.0375 nano-dollars a token. Two parts of 13 tokens are 0.975.
    let prices = Prices(
      standard: Prices.Rates(tokens: TokenPrices([.prompt: 37_500, .completion: 37_500])))
    var usage = MeteredUsage()
    usage.prompt = 13
    usage.completion = 13
    #expect(prices.cost(of: usage).nanoDollars == 975)
    let finest = Prices(
      standard: Prices.Rates(tokens: TokenPrices([.prompt: 1, .completion: 1])))
    #expect(finest.cost(of: usage).nanoDollars == 1)
    usage.prompt = 990
    usage.completion = 10
    #expect(finest.cost(of: usage).nanoDollars == 1)
    usage.completion = 11
    #expect(finest.cost(of: usage).nanoDollars == 2)
  }

  @Test func `the parts of a cost are the tokens, each once`() {
    let row = Row(
      what: "", prompt: 1_000, completion: 200, cached: 100, written: 300, hour: 200,
      audio: (50, 60), image: (70, 80), tier: .fast, region: .us, usd: "")
    let parts = Self.prices.cost(of: row.usage).parts
    let expected: [TokenKind: Int64] = [
      .prompt: 480, .cachedPrompt: 100, .cacheWritePrompt: 100, .cacheWrite1hPrompt: 200,
      .promptAudio: 50, .promptImage: 70, .completion: 60, .completionAudio: 60,
      .completionImage: 80,
    ]
    for kind in TokenKind.allCases { #expect(parts.tokens[kind] == expected[kind], "\(kind)") }
    #expect(parts.tier == .priority && parts.region == .us && !parts.isAbove)
  }

  @Test func `no number that there can be overflows`() {
    let numbers = [Int.min, -1, 0, 1, Int.max]
    for number in numbers {
      for other in numbers {
        let row = Row(
          what: "", prompt: number, completion: other, cached: other, written: number, hour: other,
          audio: (number, other), image: (other, number), tier: .fast, region: .us,
          units: UsageUnits.Unit.allCases.map { ($0, Int64(number)) }, usd: "")
        let prices = [
          Self.prices, Prices(promptNanos: .max, completionNanos: .max, perRequestNanos: .max),
        ]
        for one in prices { #expect(one.cost(of: row.usage).nanoDollars >= 0) }
      }
    }
  }
}
