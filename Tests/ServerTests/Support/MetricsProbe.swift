import Books
import Gateway
import Metrics
import Terms

/// Reads pages of metrics, and makes one with a sample of what only traffic brings about.
enum MetricsProbe {
  /// Types by the metrics' names.
  static func metrics(_ page: String) -> [String: String] {
    var types: [String: String] = [:]
    for match in page.matches(of: /(?m)^# TYPE (\S+) (\S+)$/) {
      types[String(match.1)] = String(match.2)
    }
    return types
  }

  /// The names of labels by the metrics' names, without a histogram's `le`.
  static func labels(_ page: String) -> [String: Set<String>] {
    var labels: [String: Set<String>] = [:]
    var name = ""
    for line in page.split(separator: "\n") {
      if let match = line.firstMatch(of: /^# TYPE (\S+)/) { name = String(match.1) }
      guard line.hasPrefix(name), !name.isEmpty, let open = line.firstIndex(of: "{") else {
        continue
      }
      for match in line[open...].matches(of: /[{,]([a-z_]+)="/) where match.1 != "le" {
        labels[name, default: []].insert(String(match.1))
      }
    }
    return labels
  }

  /// The metrics of a process that shares its limits.
  static func storePage() -> String {
    let all = String(decoding: render(StoreSample.status), as: UTF8.self)
    let own = all.split(separator: "\n").filter { $0.contains("ai_gateway_store_") }
    return own.joined(separator: "\n")
  }

  private static func render(_ store: StoreStatus) -> [UInt8] {
    var page = MetricsPage(registry: MetricsRegistry(), books: nil)
    return page.render(MetricsPage.Facts(version: "v", store: store))
  }

  /// A page on which one exchange has ended and shipping has worked.
  static func page() -> String {
    let registry = MetricsRegistry()
    let loop = registry.makeLoop()
    for status in [200, 500] as [Int64] {
      loop.finished(
        FinishedExchange(
          model: "m", operation: .chat, provider: "p", status: status, isReported: true,
          durationMs: 1, firstTokenMs: 1, promptTokens: 1, completionTokens: 1))
    }
    loop.finished(
      FinishedExchange(
        tenant: "t", route: "/v1/messages", model: "m", modelRoute: "r", trafficClass: "c",
        stream: true, status: 200, origin: .backend, durationMs: 1, firstTokenMs: 1,
        promptTokens: 1, completionTokens: 1, cachedPromptTokens: 1, cacheWritePromptTokens: 1,
        reasoningTokens: 1, costNanodollars: 1, isEstimated: true, disputedTokens: 1))
    loop.refused(RefusedExchange(reason: "invalid_json", status: 400, requestID: "q", timeMs: 0))
    var page = MetricsPage(registry: registry, books: nil)
    let facts = MetricsPage.Facts(
      version: "v", ship: [ShipStatistics(target: "stdout", lastSuccessMs: 1)])
    return String(decoding: page.render(facts), as: UTF8.self)
  }
}
