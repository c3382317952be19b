import Inference
import Ledger
import Terms
import Testing

@testable import Books

struct EstimatesTests {
  private func size(_ model: String) -> RequestSize {
    RequestSize(
      model: model, textBytes: 4000, arrayNumbers: 0, choices: 1, statedBound: nil,
      maxOutputTokens: nil, writesOutput: true)
  }

  private func reported(_ prompt: Int, _ completion: Int) -> MeteredUsage {
    var usage = MeteredUsage()
    usage.source = .reported
    usage.prompt = prompt
    usage.completion = completion
    usage.outputBytes = completion * 4
    return usage
  }

  @Test func `what was learned is saved, and restored as it was`() {
    var estimates = Estimates()
    #expect(estimates.unsaved == [] && estimates.all == [])
    for _ in 0..<TokenEstimator.samplesMin { estimates.learn(size("m"), reported(2000, 50)) }
    #expect(estimates.unsaved.map(\.model) == ["m"])
    let saved = estimates.save()
    #expect(estimates.unsaved == [] && saved.map(\.model) == ["m"])
    let restored = Estimates(saved)
    #expect(restored.estimator(of: "m") == estimates.estimator(of: "m"))
    #expect(restored.estimator(of: "m").outputBound(maximum: 4096) < 64)
    #expect(restored.estimator(of: "n") == TokenEstimator())
    #expect(restored.estimator(of: nil) == TokenEstimator())
  }

  @Test func `usage that nobody reported teaches nothing`() {
    var estimates = Estimates()
    var usage = reported(2000, 50)
    usage.source = .estimated
    estimates.learn(size("m"), usage)
    #expect(estimates.unsaved == [] && estimates.all == [])
  }

  @Test func `a saved estimate that cannot be read is learned again`() {
    let estimates = Estimates([
      ModelEstimate(model: "m", state: [1]), ModelEstimate(model: "n", state: []),
    ])
    #expect(estimates.all == [])
  }

  @Test func `models are kept up to a limit, and those that a policy drops are forgotten`() {
    let state = TokenEstimator().state
    var estimates = Estimates(
      (0...Estimates.modelsMax).map { ModelEstimate(model: "m\($0)", state: state) })
    #expect(estimates.all.count == Estimates.modelsMax)
    estimates.learn(size("one more"), reported(10, 10))
    #expect(estimates.all.count == Estimates.modelsMax && estimates.unsaved == [])
    estimates.learn(size("m0"), reported(10, 10))
    #expect(estimates.unsaved.map(\.model) == ["m0"])
    estimates.keep { $0 == "m7" }
    #expect(estimates.all.map(\.model) == ["m7"])
  }

  @Test func `what a stop keeps is newer than the checkpoint's, and bounded`() {
    var old = Estimates()
    old.learn(size("m"), reported(2000, 50))
    var new = Estimates(old.save())
    new.learn(size("m"), reported(1000, 20))
    new.learn(size("n"), reported(1000, 20))
    var restored = Estimates(old.all)
    restored.restore(new.unsaved)
    #expect(restored.all == new.all && restored.all != old.all)
    // A stop is one line, which has to fit into a batch.
    var many = Estimates()
    for model in 0..<6000 {
      for tokens in stride(from: 1, to: 160, by: 8) {
        many.learn(size("m\(model)"), reported(tokens, tokens))
      }
    }
    let stop = ProcessEvent(policy: "p", version: "v", estimates: many.unsaved)
    let bytes = LedgerRecord(seq: 1, timeMs: 0, body: .stop(stop)).encoded().count
    #expect(bytes < LedgerLimits.batchBytesMax / 2 + 1024)
    #expect(bytes > LedgerLimits.batchBytesMax / 4 && many.unsaved.count < many.all.count)
  }
}
