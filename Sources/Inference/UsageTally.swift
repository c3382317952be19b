import Terms

/// Sums up what the events of a response say.
struct UsageTally {
  private var usage = UsageFields()
  private var standing = UsageStanding.none
  private var outputBytes = 0
  private var outputBytesAfterUsage = 0
  private(set) var firstContentMs: Int64?
  private var sawEnd = false
  private var sawError = false
  private var finish: FinishReason?

  /// Content has come.
  mutating func noteContent(nowMs: Int64) {
    if firstContentMs == nil { firstContentMs = nowMs }
  }

  mutating func noteEnd() { sawEnd = true }

  /// An event, or a whole body, has been read.
  mutating func absorb(_ event: ResponseEvent) {
    let bytes = event.outputBytes
    outputBytes += bytes
    outputBytesAfterUsage += bytes
    if let finish = event.finish { self.finish = finish }
    if event.hasError { sawError = true }
    if event.isEnd { sawEnd = true }
    guard event.usagePlace != .none else {
      // Output after what was taken for the last word: it was not.
      if bytes > 0, standing == .final { standing = .running }
      return
    }
    usage.merge(event.usage)
    standing = max(standing, event.standing)
    if event.usage.statedCompletion != nil { outputBytesAfterUsage = 0 }
  }

  /// What was used. `isStream`: there may be several words on usage, and only the last is reported.
  /// `status`: what a backend refused without a word is not charged.
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
