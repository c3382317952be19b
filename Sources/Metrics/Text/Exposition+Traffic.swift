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
    ownSeries(registry)
  }

  private mutating func requests(_ registry: MetricsRegistry) {
    metric(
      "ai_gateway_requests_total", .counter,
      "Requests on record, refused ones too. status, stream, class and model_route are none where there is none."
    )
    counters(registry.reading(.requests), cell: 0)
    metric(
      "ai_gateway_denials_total", .counter,
      "Requests that were refused, by the refusal's code; tenant is none where nobody was identified."
    )
    counters(registry.reading(.denials), cell: 0)
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
    metric(
      "ai_gateway_tokens_total", .counter,
      "Tokens that were charged. Cached and cache-written ones are among prompt, reasoning ones among completion."
    )
    let prompt = Array("type=\"prompt\"".utf8)
    let completion = Array("type=\"completion\"".utf8)
    usage.texts.visit { series, labels in
      open(labels, prompt)
      number(usage.sum(series, UsageCell.prompt.rawValue))
      end()
      open(labels, completion)
      number(usage.sum(series, UsageCell.completion.rawValue))
      end()
    }
    metric(
      "ai_gateway_cached_prompt_tokens_total", .counter,
      "Prompt tokens that the backend had in its cache.")
    counters(usage, cell: UsageCell.cachedPrompt.rawValue, leavesOutZeros: true)
    metric(
      "ai_gateway_cache_write_prompt_tokens_total", .counter,
      "Prompt tokens that the backend put into its cache.")
    counters(usage, cell: UsageCell.cacheWritePrompt.rawValue, leavesOutZeros: true)
    metric(
      "ai_gateway_reasoning_tokens_total", .counter,
      "Completion tokens that were spent on reasoning.")
    counters(usage, cell: UsageCell.reasoning.rawValue, leavesOutZeros: true)
    metric("ai_gateway_cost_usd_total", .counter, "What was charged, at the policy's prices.")
    counters(
      usage, cell: UsageCell.costNanodollars.rawValue, per: 1_000_000_000, leavesOutZeros: true)
    metric(
      "ai_gateway_usage_estimated_total", .counter,
      "Requests whose usage is the gateway's estimate, because no report of it came.")
    counters(usage, cell: UsageCell.estimated.rawValue, leavesOutZeros: true)
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

  private mutating func counters(
    _ reading: FamilyReading, cell: Int, per unit: UInt64 = 1, leavesOutZeros: Bool = false
  ) {
    reading.texts.visit { series, labels in
      let value = reading.sum(series, cell)
      if leavesOutZeros, value == 0 { return }
      sample(text: labels, value, per: unit)
    }
  }
}
