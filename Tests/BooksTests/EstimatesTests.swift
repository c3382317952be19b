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

  private func prompt(_ estimates: Estimates, _ tenant: String, _ model: String = "m") -> Int {
    estimates.estimator(ofTenant: tenant, model: model).promptTokens(textBytes: 4000)
  }

  @Test func `what was learned is saved, and restored as it was`() {
    var estimates = Estimates()
    #expect(estimates.unsaved == [] && estimates.all == [])
    for tenant in ["a", "b", "c"] {
      for _ in 0..<TokenEstimator.samplesMin {
        estimates.learn(ofTenant: tenant, size("m"), reported(2000, 50))
      }
    }
    let names: [String?] = [nil, "a", "b", "c"]
    #expect(estimates.unsaved.map(\.tenant) == names)
    let saved = estimates.save()
    #expect(estimates.unsaved == [] && saved.map(\.tenant) == names)
    #expect(saved.allSatisfy { $0.model == "m" })
    let restored = Estimates(saved)
    for tenant in ["a", "b", "c", "new"] {
      #expect(
        restored.estimator(ofTenant: tenant, model: "m")
          == estimates.estimator(ofTenant: tenant, model: "m"))
    }
    #expect(restored.estimator(ofTenant: "a", model: "m").outputBound(maximum: 4096) == 1024)
    #expect(restored.estimator(ofTenant: "a", model: "n") == TokenEstimator())
    #expect(restored.estimator(ofTenant: "a", model: nil) == TokenEstimator())
  }

  @Test func `usage that nobody reported teaches nothing`() {
    var estimates = Estimates()
    var usage = reported(2000, 50)
    usage.source = .estimated
    estimates.learn(ofTenant: "a", size("m"), usage)
    #expect(estimates.unsaved == [] && estimates.all == [])
  }

  @Test func `a saved estimate that cannot be read is learned again`() {
    let estimates = Estimates([
      ModelEstimate(model: "m", state: [1]), ModelEstimate(tenant: "a", model: "n", state: []),
    ])
    #expect(estimates.all == [])
  }

  @Test func `an older ledger's estimate of a model is where its tenants begin, without lengths`() {
    var old = TokenEstimator()
    for _ in 0..<200 { old.learn(size("m").sample(reported(2000, 3000))) }
    var estimates = Estimates([ModelEstimate(model: "m", state: old.state)])
    #expect(prompt(estimates, "a") == old.promptTokens(textBytes: 4000))
    #expect(estimates.estimator(ofTenant: "a", model: "m").outputBound(maximum: nil) == 1024)
    estimates.learn(ofTenant: "a", size("m"), reported(1000, 20))
    #expect((1500..<2000).contains(prompt(estimates, "a")))
    #expect(prompt(estimates, "b") == old.promptTokens(textBytes: 4000))
  }

  @Test func `one tenant's answers change no other tenant's estimate, however many they are`() {
    var estimates = Estimates()
    for _ in 0..<300 { estimates.learn(ofTenant: "bad", size("m"), reported(4000, 4)) }
    #expect(prompt(estimates, "bad") > 3900)
    #expect(prompt(estimates, "b") == 1000)
    // Not with a second one beside it either, nor against two that are honest.
    let honest = 998...1002
    for _ in 0..<20 { estimates.learn(ofTenant: "b", size("m"), reported(1000, 400)) }
    #expect(prompt(estimates, "new") == 1000)
    for _ in 0..<20 { estimates.learn(ofTenant: "c", size("m"), reported(1000, 400)) }
    for _ in 0..<300 { estimates.learn(ofTenant: "bad", size("m"), reported(4000, 4)) }
    for tenant in ["new", "b", "c"] { #expect(honest.contains(prompt(estimates, tenant))) }
  }

  @Test func `a new tenant begins with what most tenants of the model have learned`() {
    var estimates = Estimates()
    for tenant in 0..<Estimates.tenantsMin {
      #expect(prompt(estimates, "new") == 1000)
      for _ in 0..<Estimates.answersPerWord * 4 {
        estimates.learn(ofTenant: "t\(tenant)", size("m"), reported(2000, 400))
      }
    }
    #expect(abs(prompt(estimates, "new") - 2000) < 50)
    #expect(prompt(estimates, "new", "other") == 1000)
    // It follows no more than so many tenants.
    for tenant in 0..<200 {
      for _ in 0..<Estimates.answersPerWord {
        estimates.learn(ofTenant: "later\(tenant)", size("m"), reported(500, 400))
      }
    }
    #expect(prompt(estimates, "new") < 1000)
    let before = estimates.all.first
    for _ in 0..<Estimates.answersPerWord * 8 {
      estimates.learn(ofTenant: "later199", size("m"), reported(4000, 400))
    }
    #expect(estimates.all.first == before)
  }

  @Test func `who was idle for longest is forgotten first`() {
    let state = TokenEstimator().state
    var estimates = Estimates(
      (0..<Estimates.estimatesMax).map { ModelEstimate(tenant: "t\($0)", model: "m", state: state) }
    )
    #expect(estimates.all.count == Estimates.estimatesMax)
    estimates.learn(ofTenant: "t0", size("m"), reported(2000, 10))
    estimates.learn(ofTenant: "one more", size("m"), reported(2000, 10))
    let tenants = Set(estimates.all.map(\.tenant))
    #expect(tenants.count == Estimates.estimatesMax)
    #expect(tenants.contains("t0") && tenants.contains("one more") && !tenants.contains("t1"))
    #expect(Set(estimates.unsaved.map(\.tenant)) == ["t0", "one more"])
    // Models' own are bounded likewise, and a model that is known is still read.
    estimates.restore(
      (0...Estimates.modelsMax).map { ModelEstimate(model: "m\($0)", state: [1, 1, 1, 1]) })
    #expect(
      estimates.all.filter { $0.tenant == nil }.count == Estimates.modelsMax)
  }

  @Test func `tenants and models that a policy drops are forgotten, the order of the others stays`()
  {
    var estimates = Estimates([ModelEstimate(model: "m", state: [1, 1, 1, 1])])
    for tenant in ["a", "b", "c"] {
      estimates.learn(ofTenant: tenant, size("m"), reported(2000, 10))
      estimates.learn(ofTenant: tenant, size("n"), reported(2000, 10))
    }
    estimates.keep(tenant: { $0 != "b" }, model: { $0 == "m" })
    #expect(estimates.all.map(\.tenant) == [nil, "a", "c"])
    #expect(estimates.all.allSatisfy { $0.model == "m" })
    estimates.keep(tenant: { _ in true }, model: { _ in false })
    #expect(estimates.all == [])
  }

  @Test func `the order of use holds whatever is used, forgotten and dropped`() {
    var table = EstimateTable(countMax: 5)
    var order: [String] = []
    var random = FixedRandom(state: 1)
    for _ in 0..<2000 {
      let tenant = "t\(Int.random(in: 0..<9, using: &random))"
      if Int.random(in: 0..<40, using: &random) == 0 {
        table.keep { $0.tenant != tenant }
        order.removeAll { $0 == tenant }
      } else {
        table.use(.init(tenant: tenant, model: "m"), start: TokenEstimator()) { _ in }
        order.removeAll { $0 == tenant }
        order.append(tenant)
        if order.count > 5 { order.removeFirst() }
      }
      #expect(Set(table.entries.map(\.key.tenant)) == Set(order))
    }
  }

  @Test func `what a stop keeps is newer than the checkpoint's, and bounded`() {
    var old = Estimates()
    old.learn(ofTenant: "a", size("m"), reported(2000, 50))
    var new = Estimates(old.save())
    new.learn(ofTenant: "a", size("m"), reported(1000, 20))
    new.learn(ofTenant: "a", size("n"), reported(1000, 20))
    var restored = Estimates(old.all)
    restored.restore(new.unsaved)
    #expect(restored.all == new.all && restored.all != old.all)
    // A stop is one line, which has to fit into a batch.
    var many = Estimates()
    for model in 0..<6000 {
      for tokens in stride(from: 1, to: 160, by: 8) {
        many.learn(ofTenant: "tenant", size("m\(model)"), reported(tokens + 200, tokens))
      }
    }
    let stop = ProcessEvent(policy: "p", version: "v", estimates: many.unsaved)
    let bytes = LedgerRecord(seq: 1, timeMs: 0, body: .stop(stop)).encoded().count
    #expect(bytes < LedgerLimits.batchBytesMax / 2 + 1024)
    #expect(bytes > LedgerLimits.batchBytesMax / 4 && many.unsaved.count < many.all.count)
  }
}

/// A generator that gives the same numbers on every run.
private struct FixedRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
