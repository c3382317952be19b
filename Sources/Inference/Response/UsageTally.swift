import Terms

/// Sums up the events of a response into its usage.
struct UsageTally {
  private var usage = UsageFields()
  private var standing = UsageStanding.none
  private var outputBytes = 0
  private var outputBytesAfterUsage = 0
  private(set) var firstContentMs: Int64?
  private var sawEnd = false
  private var sawError = false
  private var finish: FinishReason?

  /// Notes that content has come; the first time counts.
  mutating func noteContent(nowMs: Int64) {
    if firstContentMs == nil { firstContentMs = nowMs }
  }

  /// Notes that the provider has said that it is finished.
  mutating func noteEnd() { sawEnd = true }

  /// Adds an event, or a whole body.
  mutating func absorb(_ event: ResponseEvent) {
    let bytes = event.outputBytes
    outputBytes += bytes
    outputBytesAfterUsage += bytes
    if let finish = event.finish { self.finish = finish }
    if event.hasError { sawError = true }
    if event.isEnd { sawEnd = true }
    guard event.usagePlace != .none else {
      // More output came, so the usage that seemed final does not cover all of it.
      if bytes > 0, standing == .final { standing = .running }
      return
    }
    usage.merge(event.usage)
    standing = max(standing, event.standing)
    if event.usage.statedCompletion != nil { outputBytesAfterUsage = 0 }
  }

  /// The usage of the whole response. `isStream`: usage may be reported several times, and only a
  /// report that covers all of the output counts as reported; otherwise the rest is estimated. With a
  /// `status` of 400 or more and no usage, nothing is charged.
  func usage(isStream: Bool, endedCleanly: Bool, status: Int) -> MeteredUsage {
    var metered = MeteredUsage()
    metered.prompt = usage.prompt
    metered.completion = usage.completion
    metered.total = usage.total
    metered.cachedPrompt = usage.cachedPrompt
    metered.cacheWritePrompt = usage.cacheWritePrompt
    metered.reasoning = usage.reasoning
    metered.outputBytes = outputBytes
    metered.outputBytesAfterUsage = outputBytesAfterUsage
    metered.sawEnd = sawEnd
    metered.sawError = sawError
    metered.finish = finish
    if metered.prompt != nil, metered.completion == nil, outputBytes == 0 {
      metered.completion = 0
      metered.total = usage.total ?? metered.prompt
    }
    let isLastWord = !isStream || isLastWord(endedCleanly: endedCleanly)
    if metered.prompt != nil, metered.completion != nil, isLastWord {
      metered.source = .reported
    } else if metered.prompt == nil, metered.completion == nil, status >= 400 {
      metered.source = .none
    } else {
      metered.source = .estimated
    }
    return metered
  }

  private func isLastWord(endedCleanly: Bool) -> Bool {
    switch standing {
    case .none: false
    case .opening: sawEnd && !sawError
    case .running: (sawEnd || endedCleanly) && !sawError
    case .final: true
    }
  }
}
