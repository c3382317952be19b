import Bytes
import Metrics

/// `/api/v1/refusals`: the last refusals, newest first. Many of the same kind in a row are one
/// entry with a count.
///
/// On the admin server's thread.
struct RefusalReport {
  let events: [RefusalEvent]

  /// The whole answer.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("refusals") { json in
        for event in events.prefix(MetricLimits.refusalsMax) {
          let refused = event.latest
          json.object { json in
            json.field("time", timeMs: refused.timeMs)
            json.field("tenant", refused.tenant)
            json.field("subject", refused.subject)
            json.field("route", refused.route)
            json.field("model", refused.model)
            json.field("reason", refused.reason)
            json.field("status", refused.status)
            json.field("limit", refused.limit)
            json.field("request_id", refused.requestID)
            json.field("count", event.count)
          }
        }
      }
    }
    return json.bytes
  }
}
