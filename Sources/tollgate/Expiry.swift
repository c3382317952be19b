import Foundation
import Server

/// When a key expires.
enum Expiry {
  /// At that Unix time, in seconds.
  case at(Int64)
  case never

  /// Reads a time (RFC 3339), a duration from now, or `never`; nil for any other text, and for a
  /// time that is not in the future.
  init?(_ text: String, nowSeconds: Int64) {
    if text == "never" {
      self = .never
    } else if let duration = DurationText.parse(text) {
      let seconds = duration.components.seconds
      if seconds < 1 { return nil }
      self = .at(nowSeconds + seconds)
    } else if let date = try? Date(text, strategy: .iso8601) {
      let seconds = Int64(date.timeIntervalSince1970)
      if seconds <= nowSeconds { return nil }
      self = .at(seconds)
    } else {
      return nil
    }
  }
}
