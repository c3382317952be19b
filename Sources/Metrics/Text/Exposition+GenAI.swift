extension Exposition {
  /// Writes the metrics of OpenTelemetry's conventions for generative AI: their names with `_` for `.`,
  /// and the unit, as Prometheus has it.
  mutating func genAI(_ registry: MetricsRegistry) {
    let usage = registry.reading(.genAI)
    metric(
      "gen_ai_client_token_usage", .histogram,
      "Tokens that backends reported, for each request. gen_ai_token_type is input or output.")
    histograms(
      "gen_ai_client_token_usage", usage, .genAITokens, per: 1, cell: GenAICell.input,
      more: ",gen_ai_token_type=\"input\"", leavesOutEmpty: true)
    histograms(
      "gen_ai_client_token_usage", usage, .genAITokens, per: 1, cell: GenAICell.output,
      more: ",gen_ai_token_type=\"output\"", leavesOutEmpty: true)
    histograms(
      "gen_ai_server_request_duration_seconds",
      "Time from the admission of a request to the end of its response. error_type is there where it ended in an error.",
      registry.reading(.genAIDurations), .genAIDuration, per: 1_000)
    metric(
      "gen_ai_server_time_to_first_token_seconds", .histogram,
      "Time from the admission of a request to the first token of its response, of responses without an error."
    )
    histograms(
      "gen_ai_server_time_to_first_token_seconds", usage, .genAIFirstToken, per: 1_000,
      cell: GenAICell.firstToken, leavesOutEmpty: true)
  }
}
