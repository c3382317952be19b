import Bytes
import Metrics
import Policy
import Terms

/// `/api/v1/traffic`: totals since the start. The difference of two readings is what came between
/// them.
///
/// On the admin server's thread.
struct TrafficReport {
  let metrics: MetricsRegistry
  let policy: PolicySnapshot?

  /// The whole answer.
  var json: [UInt8] {
    let routes = metrics.routes
    // A table by name, because there may be as many routes as the policy has models.
    var requests: [String?: [String: UInt64]] = [:]
    for route in routes { requests[route.model, default: [:]][route.modelRoute] = route.requests }
    var json = JSONWriter()
    json.object { json in
      json.field("now", UTCTime.string(nanoseconds: SystemClock.wallNanoseconds()))
      json.object("totals") { Self.add(metrics.totals, to: &$0) }
      json.array("routes") { json in
        for route in routes { Self.add(route, to: &json) }
      }
      json.array("models") { json in
        for model in policy?.models ?? [] {
          Self.add(model, requests[model.name.string] ?? [:], to: &json)
        }
      }
    }
    return json.bytes
  }

  private static func add(_ totals: TrafficTotals, to json: inout JSONWriter) {
    json.field("requests", Int64(clamping: totals.requests))
    json.field("denials", Int64(clamping: totals.denials))
    json.field("prompt_tokens", Int64(clamping: totals.promptTokens))
    json.field("completion_tokens", Int64(clamping: totals.completionTokens))
    json.field("cost_usd", Dollars.text(Int64(clamping: totals.costNanodollars)))
    json.field("inflight", Int64(clamping: totals.inflight))
  }

  private static func add(_ route: RouteTraffic, to json: inout JSONWriter) {
    json.object { json in
      json.field("model_route", route.modelRoute)
      json.field("model", route.model)
      json.field("requests", Int64(clamping: route.requests))
      json.field("errors", Int64(clamping: route.errors))
      json.field("prompt_tokens", Int64(clamping: route.promptTokens))
      json.field("completion_tokens", Int64(clamping: route.completionTokens))
      json.object("duration_ms") { add(route.duration, to: &$0) }
      json.object("ttft_ms") { add(route.firstToken, to: &$0) }
    }
  }

  private static func add(_ histogram: HistogramReading, to json: inout JSONWriter) {
    json.field("count", Int64(clamping: histogram.count))
    json.field("p50", histogram.quantile(0.5))
    json.field("p95", histogram.quantile(0.95))
    json.field("p99", histogram.quantile(0.99))
  }

  /// A model's routes with the weights that the policy gives them and the requests that they got.
  private static func add(_ model: Model, _ requests: [String: UInt64], to json: inout JSONWriter) {
    let name = model.name.string
    let seen = model.routes.map { requests[$0.name.string] ?? 0 }
    let sum = seen.reduce(0, &+)
    json.object { json in
      json.field("model", name)
      json.array("routes") { json in
        for (route, requests) in zip(model.routes, seen) {
          json.object { json in
            json.field("name", route.name.string)
            json.field("weight", route.weight)
            json.field("requests", Int64(clamping: requests))
            json.field("share", sum == 0 ? nil : Double(requests) / Double(sum))
          }
        }
      }
    }
  }
}
