import Terms

/// Sums up the events of a response into its usage.
struct UsageTally {
  private var usage = UsageFields()
  private var standing = UsageStanding.none
  private var outputBytes = 0
  private var outputBytesAfterUsage = 0
  private var mediaBytesAfterUsage = 0
  private(set) var firstContentMs: Int64?
  private var sawEnd = false
  private var sawError = false
  private var finish: FinishReason?
  private var tier: ServiceTier?
  private var region: ServedRegion?
  /// The most that one event says: the last of a stream says all again.
  private var webSearches = 0
  private var fileSearches = 0
  private var pictures = 0
  private var isPending = false
  /// An event of an answer came before any error.
  private var hasBegun = false
  /// Something of a known shape came.
  private(set) var isRecognized = false
  /// Whole texts or events that came.
  private(set) var textCount = 0
  /// Bytes that could not be read, in texts that are damaged or of which nothing else is known.
  private(set) var brokenBytes = 0

  /// Notes that content has come; the first time counts.
  mutating func noteContent(nowMs: Int64) {
    if firstContentMs == nil { firstContentMs = nowMs }
  }

  /// Notes the end of a whole body.
  mutating func noteEnd() { sawEnd = true }

  /// Notes that the provider has said that it is finished.
  mutating func noteDone() {
    sawEnd = true
    isRecognized = true
  }

  /// Notes bytes that could not be read.
  mutating func noteBroken(_ count: Int) { brokenBytes += count }

  /// Adds an event, or a whole body.
  mutating func absorb(_ event: ResponseEvent) {
    textCount += 1
    let bytes =
      event.isRestated ? max(0, event.outputBytes - outputBytes) : event.outputBytes
    outputBytes += bytes
    outputBytesAfterUsage += bytes
    mediaBytesAfterUsage += event.mediaOutputBytes
    brokenBytes += event.brokenBytes
    if bytes == 0 { brokenBytes += event.logprobBytes }
    if let finish = event.finish { self.finish = finish }
    if let tier = event.tier, self.tier != .fast { self.tier = tier }
    if let region = event.region { self.region = region }
    webSearches = max(webSearches, event.webSearches)
    fileSearches = max(fileSearches, event.fileSearches)
    pictures = max(pictures, event.pictures)
    if event.isPending { isPending = true }
    if event.isRecognized { isRecognized = true }
    if event.isError { sawError = true } else if !event.isAnnouncement { hasBegun = true }
    if event.isEnd { sawEnd = true }
    guard event.usagePlace != .none else {
      // More output came, so the usage that seemed final does not cover all of it.
      if bytes > 0, standing == .final { standing = .running }
      return
    }
    usage.merge(event.usage)
    standing = max(standing, event.standing)
    if event.usage.completion ?? 0 > 0 {
      outputBytesAfterUsage = 0
      mediaBytesAfterUsage = 0
    }
  }

  /// The usage of the whole response. `isStream`: usage may be reported several times, and only a
  /// report that covers all of the output counts as reported; otherwise the rest is estimated. An answer
  /// that is an error from its beginning, or has a `status` of 400 or more, and has no usage is charged
  /// nothing.
  func usage(isStream: Bool, endedCleanly: Bool, status: Int) -> MeteredUsage {
    var metered = MeteredUsage()
    metered.outputBytes = outputBytes
    metered.outputBytesAfterUsage = outputBytesAfterUsage
    metered.unreadTokens = mediaBytesAfterUsage / ResponseMeter.mediaBytesPerToken
    metered.sawEnd = sawEnd
    metered.sawError = sawError
    metered.finish = finish
    metered.tier = tier
    metered.region = region
    count(into: &metered)
    let isLastWord = !isStream || isLastWord(endedCleanly: endedCleanly)
    if metered.prompt != nil, metered.completion != nil, isLastWord, outputBytesAfterUsage == 0 {
      metered.source = .reported
    } else if metered.prompt == nil, metered.completion ?? 0 == 0, metered.units.measureAnswer,
      isLastWord
    {
      metered.completion = nil
      metered.source = .reported
    } else if metered.prompt == nil, metered.completion ?? 0 == 0, status >= 400 || isRefusal {
      metered.completion = nil
      metered.source = .none
    } else {
      metered.source = .estimated
      metered.isPending = isPending && !usage.hasPositive
    }
    return metered
  }

  /// The counts. One that is 0 where there was something to count was not reported.
  private func count(into metered: inout MeteredUsage) {
    if let prompt = usage.prompt, prompt > 0 { metered.prompt = prompt }
    if let completion = usage.completion, completion > 0 || outputBytes == 0 {
      metered.completion = completion
    }
    if metered.prompt != nil, usage.completion == nil, outputBytes == 0, !usage.hasImpossible {
      metered.completion = 0
    }
    if let prompt = metered.prompt, let completion = metered.completion {
      metered.total = prompt + completion
    }
    metered.cachedPrompt = usage.cachedPrompt
    metered.cacheWritePrompt = usage.cacheWritePrompt
    metered.cacheWrite1hPrompt = usage.cacheWrite1hPrompt
    metered.reasoning = usage.reasoning
    metered.promptAudio = usage[.promptAudioTokens]
    metered.promptImage = usage[.promptImageTokens]
    metered.completionAudio = usage[.completionAudioTokens]
    metered.completionImage = usage[.completionImageTokens]
    metered.units = usage.units
    /// What the items say where the usage says nothing.
    func note(_ unit: UsageUnits.Unit, _ count: Int) {
      if count > 0, metered.units[unit] == nil { metered.units[unit] = Int64(count) * 1_000 }
    }
    note(.webSearches, webSearches)
    note(.fileSearches, fileSearches)
    note(.images, pictures)
  }

  /// Whether the answer was an error from its beginning, and nothing was generated.
  private var isRefusal: Bool { sawError && !hasBegun && outputBytes == 0 }

  private func isLastWord(endedCleanly: Bool) -> Bool {
    switch standing {
    case .none: false
    case .opening: sawEnd && !sawError
    case .running: (sawEnd || endedCleanly) && !sawError
    case .final: true
    }
  }

}
