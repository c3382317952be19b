import Terms

extension Exposition {
  /// Writes everything that the loops counted.
  mutating func traffic(_ registry: MetricsRegistry) {
    requests(registry)
    latencies(registry)
    usage(registry)
    genAI(registry)
    metric(
      "ai_gateway_inflight_requests", .gauge, "Requests that were admitted and have not ended.")
    sample(registry.inflight)
    processing(registry)
    calls(registry)
    ownSeries(registry)
  }

  private mutating func requests(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_requests_total", .counter,
      "Requests that are on record, refused ones included. status, stream, class and model_route are none where the request has none."
    )
    counters(registry.reading(.requests))
    metric(
      "ai_gateway_denials_total", .counter,
      "Requests that were refused, by the refusal's code. tenant is none where the caller was not identified."
    )
    counters(registry.reading(.denials))
  }

  private mutating func latencies(_ registry: MetricsRegistry) {
    let durations = registry.reading(.durations)
    let duration: StaticString =
      "Time from the admission of a request to the end of its response. Refused requests do not count."
    histograms("ai_gateway_request_duration_ms", duration, durations, .duration, per: 1)
    histograms("ai_gateway_request_duration_seconds", duration, durations, .duration, per: 1_000)
    let firstTokens = registry.reading(.firstTokens)
    let first: StaticString =
      "Time from the admission of a request to the first token of its response, where one was seen."
    histograms("ai_gateway_time_to_first_token_ms", first, firstTokens, .firstToken, per: 1)
    histograms(
      "ai_gateway_time_to_first_token_seconds", first, firstTokens, .firstToken, per: 1_000)
  }

  private mutating func usage(_ registry: MetricsRegistry) {
    let usage = registry.reading(.usage)
    let sums = usage.sums()
    metric(
      "ai_gateway_tokens_total", .counter,
      "Tokens that were charged. prompt includes cached and cache-written tokens, completion includes reasoning tokens."
    )
    counters(usage, sums, .prompt, more: ",type=\"prompt\"")
    counters(usage, sums, .completion, more: ",type=\"completion\"")
    metric(
      "ai_gateway_cached_prompt_tokens_total", .counter,
      "Prompt tokens that the backend read from its cache.")
    counters(usage, sums, .cachedPrompt, leavesOutZeros: true)
    metric(
      "ai_gateway_cache_write_prompt_tokens_total", .counter,
      "Prompt tokens that the backend wrote to its cache.")
    counters(usage, sums, .cacheWritePrompt, leavesOutZeros: true)
    metric(
      "ai_gateway_reasoning_tokens_total", .counter,
      "Completion tokens that were spent on reasoning.")
    counters(usage, sums, .reasoning, leavesOutZeros: true)
    metric(
      "ai_gateway_cost_usd_total", .counter,
      "Cost of the tokens and requests that were charged, at the policy's prices.")
    counters(usage, sums, .costNanodollars, per: 1_000_000_000, leavesOutZeros: true)
    metric(
      "ai_gateway_usage_estimated_total", .counter,
      "Requests whose usage was estimated, because the backend reported none.")
    counters(usage, sums, .estimated, leavesOutZeros: true)
    metric(
      "ai_gateway_usage_disputed_total", .counter,
      "Tokens that backends reported beyond what their requests can have used, and that were not charged."
    )
    counters(usage, sums, .disputed, leavesOutZeros: true)
    metric(
      "ai_gateway_usage_unread_total", .counter,
      "Answers that could not be read for their usage, and were charged by their bytes.")
    for reason in UnreadReason.allCases {
      sample([("reason", reason.rawValue)], registry.unread(reason))
    }
    metric(
      "ai_gateway_unpriced_total", .counter,
      "Answers that used something for which the policy has no price.")
    for what in Unpriced.allCases {
      sample([("what", what.rawValue)], registry.unpriced(what))
    }
  }

  private mutating func processing(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_processing_duration_seconds", .histogram,
      "The gateway's own work on one message from Envoy, without waiting times.")
    for stage in ProcessingStage.allCases {
      var labels = LabelText()
      labels.add("phase", stage.label.description)
      histogram(
        labels.bytes, registry.processing(stage), .processing,
        "ai_gateway_processing_duration_seconds", per: 1_000_000_000)
    }
  }

  /// Writes the calls by method and status, also those that are still 0: Prometheus's `rate` does not
  /// see the first increase of a series that was not there before.
  private mutating func calls(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_grpc_calls_total", .counter,
      "gRPC calls from Envoy that have ended. OK: the verdict was given. CANCELLED: Envoy ended the call before. Any other code: Envoy failed the request."
    )
    for method in CallMethod.allCases {
      for status in method.statuses {
        sample(
          [("method", method.label.description), ("code", status.label.description)],
          registry.calls(method, status))
      }
    }
  }

  /// Writes the metrics about metrics.
  private mutating func ownSeries(_ registry: MetricsRegistry) {
    metric("ai_gateway_metrics_series", .gauge, "Series in each family of metrics.")
    for family in Family.allCases {
      sample([("family", family.name.description)], UInt64(registry.reading(family).count))
    }
    metric(
      "ai_gateway_metrics_overflow_total", .counter,
      "Requests that were counted under the tenant other, because the family has reached its limit of series."
    )
    for family in Family.allCases {
      sample([("family", family.name.description)], registry.overflow(family))
    }
  }

  /// Writes a line for each series of a family that has one cell.
  private mutating func counters(_ reading: FamilyReading) {
    counters(reading.texts, reading.sums()[...])
  }

  /// Writes a line for each series of one cell of usage; `sums` are the sums of all its cells.
  private mutating func counters(
    _ usage: FamilyReading, _ sums: [UInt64], _ cell: UsageCell, more: StaticString = "",
    per unit: UInt64 = 1, leavesOutZeros: Bool = false
  ) {
    guard !sums.isEmpty else { return }
    let first = cell.rawValue * usage.count
    counters(
      usage.texts, sums[first..<first + usage.count], more: more, per: unit,
      leavesOutZeros: leavesOutZeros)
  }

  /// Writes a line for each series and its value; `more` is added to its labels.
  private mutating func counters(
    _ texts: SeriesTexts, _ values: ArraySlice<UInt64>, more: StaticString = "",
    per unit: UInt64 = 1, leavesOutZeros: Bool = false
  ) {
    var suffix: [UInt8] = []
    LabelText.append(more, to: &suffix)
    LabelText.append("} ", to: &suffix)
    let decimals = Self.decimals(unit)
    // The most bytes of a line, besides its labels.
    let lineMax = prefix.count + suffix.count + LineCursor.valueBytesMax + 1
    var first = values.startIndex
    for chunk in texts.chunks {
      write(atMost: chunk.bytes.count + chunk.count * lineMax) { [prefix, suffix] cursor in
        let texts = chunk.bytes.span
        chunk.visit { series, labels in
          let value = values[first + series]
          if leavesOutZeros, value == 0 { return }
          cursor.copy(prefix.span)
          cursor.copy(texts.extracting(labels))
          cursor.copy(suffix.span)
          if unit == 1 {
            cursor.number(value)
          } else {
            cursor.fraction(value, per: unit, decimals: decimals)
          }
          cursor.byte(UInt8(ascii: "\n"))
        }
      }
      first += chunk.count
    }
  }
}

extension MetricsRegistry {
  /// About how many bytes `Exposition.traffic` writes; rather too many than too few.
  var pageBytesAbout: Int {
    Family.allCases.reduce(16 << 10) { sum, family in
      let texts = reading(family).texts
      // 80 bytes for the name, a label that only this line has, and the value.
      return sum + (texts.byteCount + texts.count * 80) * family.linesPerSeries
    }
  }
}

extension Family {
  /// The most lines that one series has on a page.
  fileprivate var linesPerSeries: Int {
    switch self {
    case .requests, .denials: 1
    // In milliseconds and in seconds, each with a sum and a count.
    case .durations: 2 * (HistogramBounds.duration.bucketCount + 2)
    case .firstTokens: 2 * (HistogramBounds.firstToken.bucketCount + 2)
    case .usage: UsageCell.allCases.count
    case .routes, .tenants: 0
    // The tokens in and out, and the times to the first token.
    case .genAI:
      2 * (HistogramBounds.genAITokens.bucketCount + 2)
        + HistogramBounds.genAIFirstToken.bucketCount + 2
    case .genAIDurations: HistogramBounds.genAIDuration.bucketCount + 2
    }
  }
}
