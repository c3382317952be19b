/// A group of metrics that have the same labels, and so share series.
enum Family: Int, CaseIterable {
  /// By every label of `ai_gateway_requests_total`.
  case requests
  /// By tenant and reason.
  case denials
  /// By tenant, route and model route.
  case durations
  case firstTokens
  /// By tenant and model route.
  case usage
  /// By model and model route.
  case routes
  /// By tenant.
  case tenants
  /// By operation, provider and model: the conventions' tokens, and times to the first token.
  case genAI
  /// By these and the type of an error: the conventions' durations.
  case genAIDurations

  /// The value of the label `family` in the metrics about metrics.
  var name: StaticString {
    switch self {
    case .requests: "requests"
    case .denials: "denials"
    case .durations: "durations"
    case .firstTokens: "time_to_first_token"
    case .usage: "usage"
    case .routes: "routes"
    case .tenants: "tenants"
    case .genAI: "gen_ai"
    case .genAIDurations: "gen_ai_durations"
    }
  }

  /// Cells of one series.
  var stride: Int {
    switch self {
    case .requests, .denials: 1
    case .durations: HistogramBounds.duration.cellCount
    case .firstTokens: HistogramBounds.firstToken.cellCount
    case .usage: UsageCell.allCases.count
    case .routes:
      RouteCell.allCases.count + HistogramBounds.duration.cellCount
        + HistogramBounds.firstToken.cellCount
    case .tenants: TenantCell.allCases.count
    case .genAI: GenAICell.count
    case .genAIDurations: HistogramBounds.genAIDuration.cellCount
    }
  }

  /// The most series it may have, besides those with the tenant `other`.
  var seriesMax: Int {
    switch self {
    case .requests, .denials, .usage: MetricLimits.seriesMax
    case .durations, .firstTokens, .genAI, .genAIDurations: MetricLimits.histogramSeriesMax
    case .routes: MetricLimits.routesMax
    case .tenants: MetricLimits.tenantsMax
    }
  }
}

/// The cells of a tenant's use of a model route.
enum UsageCell: Int, CaseIterable {
  case prompt, completion, cachedPrompt, cacheWritePrompt, reasoning, costNanodollars, estimated
  case disputed
}

/// The first cells of a model route's series; its two histograms follow.
enum RouteCell: Int, CaseIterable {
  case requests, errors, prompt, completion

  /// The first cell of the histogram of durations.
  static let durations = allCases.count
  /// The first cell of the histogram of times to the first token.
  static let firstTokens = durations + HistogramBounds.duration.cellCount
}

/// The first cells of the histograms of `Family.genAI`.
enum GenAICell {
  static let input = 0
  static let output = HistogramBounds.genAITokens.cellCount
  static let firstToken = 2 * HistogramBounds.genAITokens.cellCount
  static let count = firstToken + HistogramBounds.genAIFirstToken.cellCount
}

/// The cells of a tenant.
enum TenantCell: Int, CaseIterable { case requests, denials, prompt, completion, costNanodollars }
