import SeededRandom
import Terms
import Testing

@testable import Inference

@Suite struct TokenEstimatorTests {
  private func sample(
    bytes: Int = 400, prompt: Int? = 100, completion: Int? = 50, outputBytes: Int = 200,
    reasoning: Int? = nil, choices: Int = 1, bound: Int? = nil,
    source: UsageSource = .reported, arrayNumbers: Int = 0
  ) -> TokenEstimator.Sample {
    var usage = MeteredUsage()
    usage.source = source
    usage.prompt = prompt
    usage.completion = completion
    usage.outputBytes = outputBytes
    usage.reasoning = reasoning
    return .init(
      textBytes: bytes, arrayNumbers: arrayNumbers, choices: choices, statedBound: bound,
      usage: usage)
  }

  @Test func `a token is four bytes until more is known`() {
    let estimator = TokenEstimator()
    #expect(estimator.promptTokens(textBytes: 0) == 0)
    #expect(estimator.promptTokens(textBytes: 1) == 1)
    #expect(estimator.promptTokens(textBytes: 400) == 100)
    #expect(estimator.promptTokens(textBytes: 401) == 101)
    #expect(estimator.promptTokens(textBytes: 400, arrayNumbers: 7) == 107)
    #expect(estimator.outputTokens(bytes: 9) == 3)
    #expect(estimator.promptTokens(textBytes: .max) == .max / 4 + 1)
  }

  @Test func `a model's ratio is learned within a few samples and followed when it changes`() {
    var estimator = TokenEstimator()
    for _ in 0..<60 { estimator.learn(sample(bytes: 3000, prompt: 1000)) }
    #expect(abs(estimator.promptTokens(textBytes: 3000) - 1000) <= 10)
    for _ in 0..<60 { estimator.learn(sample(bytes: 3000, prompt: 500)) }
    #expect(abs(estimator.promptTokens(textBytes: 3000) - 500) <= 25)
  }

  @Test func `what is beyond all reason teaches nothing`() {
    var estimator = TokenEstimator()
    for _ in 0..<200 {
      estimator.learn(sample(bytes: 10, prompt: 1 << 31, completion: nil, outputBytes: 0))
      estimator.learn(sample(bytes: 1000, prompt: 2257 + 1, completion: nil, outputBytes: 0))
      estimator.learn(sample(bytes: 3201, prompt: 100, completion: nil, outputBytes: 0))
      estimator.learn(sample(bytes: .max, prompt: 1, completion: nil, outputBytes: 0))
      estimator.learn(sample(prompt: 0))
      estimator.learn(sample(prompt: -1))
      // The answer's 0 says that nobody counted, and so of its prompt, too.
      estimator.learn(sample(prompt: 300, completion: 0))
      estimator.learn(sample(prompt: 300, completion: -5))
      estimator.learn(sample(prompt: 300, completion: 6, outputBytes: 200))
    }
    #expect(estimator == TokenEstimator())
  }

  @Test func `what is plausible moves a ratio by a quarter at most, and stays within bounds`() {
    var estimator = TokenEstimator()
    var before = estimator.promptTokens(textBytes: 100_000)
    for step in 0..<100 {
      estimator.learn(sample(bytes: 1 << 20, prompt: 1 << 20))
      let after = estimator.promptTokens(textBytes: 100_000)
      #expect(after <= before + before / 4 + 1, "\(step)")
      before = after
    }
    #expect((99_000...100_000).contains(before))
    for step in 0..<100 {
      estimator.learn(sample(bytes: 1 << 20, prompt: 1 << 15))
      let after = estimator.promptTokens(textBytes: 100_000)
      #expect(after >= before - before / 5 - 1, "\(step)")
      before = after
    }
    #expect((12_500...12_800).contains(before))
    for _ in 0..<400 { estimator.learn(sample(bytes: .max, prompt: .max)) }
    #expect(estimator.promptTokens(textBytes: 1000) >= 900)
  }

  @Test func `only what a provider reported of text teaches`() {
    var estimator = TokenEstimator()
    estimator.learn(sample(bytes: 4000, prompt: 4000, completion: 4000, source: .estimated))
    estimator.learn(sample(bytes: 4000, prompt: 4000, completion: 4000, source: .none))
    estimator.learn(sample(bytes: 0, prompt: 0, completion: nil))
    #expect(estimator == TokenEstimator())
    estimator.learn(sample(bytes: 4000, prompt: 4000, completion: nil, arrayNumbers: 3990))
    #expect(estimator == TokenEstimator())
  }

  @Test func `output is what reasoning leaves of the completion`() {
    var estimator = TokenEstimator()
    for _ in 0..<100 {
      estimator.learn(sample(completion: 1100, outputBytes: 500, reasoning: 1000))
    }
    #expect(abs(estimator.outputTokens(bytes: 500) - 100) <= 2)
  }

  @Test func `the output bound is the policy's for 99 samples and the 99th percentile from 100 on`()
  {
    var estimator = TokenEstimator()
    for number in 1...99 { estimator.learn(sample(completion: number <= 98 ? 10 : 15)) }
    #expect(estimator.outputBound(maximum: nil) == 1024)
    #expect(estimator.outputBound(maximum: 4096) == 4096)
    estimator.learn(sample(completion: 3000))
    // Never below a quarter of the most that may come.
    #expect(estimator.outputBound(maximum: nil) == 256)
    #expect(estimator.outputBound(maximum: 4096) == 1024)
    #expect(estimator.outputBound(maximum: 61) == 16)
    #expect(estimator.outputBound(maximum: 60) == 15)
    #expect(estimator.outputBound(maximum: 8) == 8)
    estimator.learn(sample(completion: 3000))
    #expect((3000...3375).contains(estimator.outputBound(maximum: nil)))
  }

  @Test func `the habit is that of one choice, and a cut one shows none`() {
    var estimator = TokenEstimator()
    for _ in 0..<150 { estimator.learn(sample(completion: 10, bound: 10)) }
    #expect(estimator.outputBound(maximum: nil) == 1024)
    for _ in 0..<100 { estimator.learn(sample(completion: 1499, choices: 3, bound: 501)) }
    #expect((500..<563).contains(estimator.outputBound(maximum: nil)))
  }

  @Test func `the percentile is at most an eighth too high at every length`() {
    for tokens in [0, 1, 15, 16, 17, 18, 31, 32, 1000, 4095, 4096, 1 << 20, (1 << 31) - 1] {
      var histogram = OutputHistogram()
      histogram.add(tokens)
      let bound = histogram.percentile99 ?? -1
      #expect(bound >= tokens && bound <= tokens + tokens / 8, "\(tokens): \(bound)")
    }
    var histogram = OutputHistogram()
    histogram.add(.max)
    histogram.add(-1)
    #expect(histogram.sampleCount == 2)
  }

  @Test func `old samples fade`() {
    var histogram = OutputHistogram()
    for _ in 0..<OutputHistogram.samplesMax { histogram.add(4000) }
    #expect(histogram.sampleCount == OutputHistogram.samplesMax)
    histogram.add(10)
    #expect(histogram.sampleCount == OutputHistogram.samplesMax / 2 + 1)
    for _ in 0..<100_000 { histogram.add(10) }
    #expect(histogram.percentile99 == 10)
  }

  @Test func `what was learned survives as integers`() throws {
    var estimator = TokenEstimator()
    var random = SeededRandom(3)
    for _ in 0..<500 {
      let prompt = Int.random(in: 1..<4000, using: &random)
      estimator.learn(
        sample(
          bytes: prompt * 3, prompt: prompt, completion: Int.random(in: 0..<900, using: &random)))
    }
    let state = estimator.state
    let restored = try #require(TokenEstimator(state: state))
    #expect(restored == estimator)
    #expect(TokenEstimator(state: TokenEstimator().state) == TokenEstimator())
    for bad: [Int64] in [
      [], [1, 1, 1], [0, 1, 1, 1], [1, -1, 1, 1], [1, 1, 1, .max], [1, 1, 1, 1, 0],
      [1, 1, 1, 1, 240, 1], [1, 1, 1, 1, -1, 1], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 8193],
      [1, 1, 1, 1, 0, 1, 0, 1], [1, 1, 1, 1, 0, 8000, 1, 8000],
    ] {
      #expect(TokenEstimator(state: bad) == nil)
    }
    var extreme = try #require(TokenEstimator(state: [1, 1, 1, 1]))
    extreme.learn(sample(bytes: .max, prompt: .max, completion: .max, outputBytes: .max))
    #expect(extreme.promptTokens(textBytes: .max) > 0)
  }
}
