extension Exposition {
  /// What the loops counted.
  package mutating func traffic(_ registry: MetricsRegistry) {
    requests(registry)
    latencies(registry)
    usage(registry)
    metric(
      "ai_gateway_inflight_requests", .gauge, "Requests that were let through and are not over.")
    sample(registry.inflight)
    processing(registry)
    calls(registry)
    ownSeries(registry)
  }

  private mutating func requests(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_requests_total", .counter,
      "Requests on record, refused ones too; each once. status, stream, class and model_route are none where there is none."
    )
    counters(registry.reading(.requests))
    metric(
      "ai_gateway_denials_total", .counter,
      "Requests that were refused, by the refusal's code; tenant is none where nobody was identified."
    )
    counters(registry.reading(.denials))
  }

  private mutating func latencies(_ registry: MetricsRegistry) {
    let durations = registry.reading(.durations)
    let duration: StaticString =
      "From the admission of a request to the end of its response; refused ones are not in it."
    histograms("ai_gateway_request_duration_ms", duration, durations, .duration, per: 1)
    histograms("ai_gateway_request_duration_seconds", duration, durations, .duration, per: 1_000)
    let firstTokens = registry.reading(.firstTokens)
    let first: StaticString =
      "From the admission of a request to the first token of its response, where one was seen."
    histograms("ai_gateway_time_to_first_token_ms", first, firstTokens, .firstToken, per: 1)
    histograms(
      "ai_gateway_time_to_first_token_seconds", first, firstTokens, .firstToken, per: 1_000)
  }

  private mutating func usage(_ registry: MetricsRegistry) {
    let usage = registry.reading(.usage)
    let sums = usage.sums()
    metric(
      "ai_gateway_tokens_total", .counter,
      "Tokens that were charged. Cached and cache-written ones are among prompt, reasoning ones among completion."
    )
    counters(usage, sums, .prompt, more: ",type=\"prompt\"")
    counters(usage, sums, .completion, more: ",type=\"completion\"")
    metric(
      "ai_gateway_cached_prompt_tokens_total", .counter,
      "Prompt tokens that the backend had in its cache.")
    counters(usage, sums, .cachedPrompt, leavesOutZeros: true)
    metric(
      "ai_gateway_cache_write_prompt_tokens_total", .counter,
      "Prompt tokens that the backend put into its cache.")
    counters(usage, sums, .cacheWritePrompt, leavesOutZeros: true)
    metric(
      "ai_gateway_reasoning_tokens_total", .counter,
      "Completion tokens that were spent on reasoning.")
    counters(usage, sums, .reasoning, leavesOutZeros: true)
    metric("ai_gateway_cost_usd_total", .counter, "What was charged, at the policy's prices.")
    counters(usage, sums, .costNanodollars, per: 1_000_000_000, leavesOutZeros: true)
    metric(
      "ai_gateway_usage_estimated_total", .counter,
      "Requests whose usage is the gateway's estimate, because no report of it came.")
    counters(usage, sums, .estimated, leavesOutZeros: true)
  }

  private mutating func processing(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_processing_duration_seconds", .histogram,
      "The gateway's own work on a message of Envoy's, without any waiting.")
    for stage in ProcessingStage.allCases {
      var labels = LabelText()
      labels.add("phase", stage.label.description)
      histogram(
        labels.bytes, registry.processing(stage), .processing,
        "ai_gateway_processing_duration_seconds", per: 1_000_000_000)
    }
  }

  /// Every status from the start: a counter that begins with its first failure has no rate of it.
  private mutating func calls(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_grpc_calls_total", .counter,
      "Calls of Envoy's that are over. OK had its verdict, CANCELLED was ended by Envoy before, at any other code Envoy fails the request."
    )
    for method in CallMethod.allCases {
      for status in method.statuses {
        sample(
          [("method", method.label.description), ("code", status.label.description)],
          registry.calls(method, status))
      }
    }
  }

  /// What metrics say of themselves.
  private mutating func ownSeries(_ registry: MetricsRegistry) {
    metric("ai_gateway_metrics_series", .gauge, "Label sets that are kept apart.")
    for family in Family.allCases {
      sample([("family", family.name.description)], UInt64(registry.reading(family).count))
    }
    metric(
      "ai_gateway_metrics_overflow_total", .counter,
      "Requests that were counted under the tenant other, because a family has all the label sets that it may have."
    )
    for family in Family.allCases {
      sample([("family", family.name.description)], registry.overflow(family))
    }
  }

  /// A line for each series of a family that has one cell.
  private mutating func counters(_ reading: FamilyReading) {
    counters(reading.texts, reading.sums()[...])
  }

  /// A line for each series of a cell of usage, of which `sums` are all.
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

  /// A line for each series and its value; `more` stands behind its labels.
  private mutating func counters(
    _ texts: SeriesTexts, _ values: ArraySlice<UInt64>, more: StaticString = "",
    per unit: UInt64 = 1, leavesOutZeros: Bool = false
  ) {
    var suffix: [UInt8] = []
    LabelText.append(more, to: &suffix)
    LabelText.append("} ", to: &suffix)
    let decimals = Self.decimals(unit)
    // Of every line beside its labels.
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
  /// What `traffic` comes to, about, and rather more than less.
  package var pageBytesAbout: Int {
    Family.allCases.reduce(16 << 10) { sum, family in
      let texts = reading(family).texts
      // A name, a label of the line's own and a value.
      return sum + (texts.byteCount + texts.count * 80) * family.linesPerSeries
    }
  }
}

extension Family {
  /// Lines that a series has on a page, at most.
  fileprivate var linesPerSeries: Int {
    switch self {
    case .requests, .denials: 1
    // In milliseconds and in seconds, each with a sum and a count.
    case .durations: 2 * (HistogramBounds.duration.bucketCount + 2)
    case .firstTokens: 2 * (HistogramBounds.firstToken.bucketCount + 2)
    case .usage: UsageCell.allCases.count
    case .routes, .tenants: 0
    }
  }
}
