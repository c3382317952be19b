import Terms
@testable import Metrics

extension MetricsRegistry {
  /// The page's lines that begin so, without HELP and TYPE.
  func lines(_ prefix: String) -> [String] { Self.lines(prefix) { $0.traffic(self) } }

  static func lines(_ prefix: String, _ write: (inout Exposition) -> Void) -> [String] {
    var page = Exposition()
    write(&page)
    return String(decoding: page.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix(prefix) }
  }

  /// The sum of a metric's samples.
  func sum(_ prefix: String) -> Double {
    lines(prefix).reduce(0) { $0 + Double($1[$1.lastIndex(of: " ")!...].dropFirst())! }
  }

  /// The limits of every family.
  convenience init(everySeriesMax: Int) { self.init(seriesMax: { _ in everySeriesMax }) }
}

extension FinishedExchange {
  static func of(
    _ tenant: String?, model: String? = "m", modelRoute: String? = "m-v1", status: Int64? = 200,
    durationMs: Int64? = 12, firstTokenMs: Int64? = nil, prompt: Int64? = 7,
    completion: Int64? = 5, costNanodollars: Int64? = nil, isEstimated: Bool = false
  ) -> FinishedExchange {
    FinishedExchange(
      tenant: tenant, route: "/v1/chat/completions", model: model, modelRoute: modelRoute,
      trafficClass: "interactive", stream: true, status: status, origin: .backend,
      durationMs: durationMs, firstTokenMs: firstTokenMs, promptTokens: prompt,
      completionTokens: completion, costNanodollars: costNanodollars, isEstimated: isEstimated)
  }
}

extension RefusedExchange {
  static func of(
    _ tenant: String?, reason: String = "rate_limit_exceeded", status: Int64 = 429,
    model: String? = nil, id: String = "req_1", at timeMs: Int64 = 1_000
  ) -> RefusedExchange {
    RefusedExchange(
      tenant: tenant, subject: tenant.map { "svc:" + $0 }, route: "/v1/chat/completions",
      model: model, reason: reason, status: status, requestID: id, timeMs: timeMs)
  }
}
