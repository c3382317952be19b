import Bytes

/// Times as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The text for Unix time `wallSeconds`, which is not negative.
  static func text(wallSeconds: Int64) -> String {
    // `2026-11-22T20:17:10Z`, whose parts are at fixed places.
    let plain = Array(UTCTime.string(seconds: wallSeconds))
    let day = days[Int(wallSeconds / 86_400 % 7)]
    let month = months[(Int(String(plain[5..<7])) ?? 1) - 1]
    return "\(day), \(String(plain[8..<10])) \(month) \(String(plain[0..<4])) "
      + "\(String(plain[11..<19])) GMT"
  }
}
