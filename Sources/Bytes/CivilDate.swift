/// A day of the proleptic Gregorian calendar, years 0 to 9999.
///
/// Days are counted in eras of 400 years that begin in March, so that the leap day is a year's last.
package struct CivilDate: Equatable, Sendable {
  package let year, month, day: Int64

  /// 0000-01-01 and 9999-12-31, in days since 1970-01-01.
  package static let daysMin: Int64 = -719_528
  package static let daysMax: Int64 = 2_932_896

  /// The day that many days after 1970-01-01; outside of the years 0 to 9999, the nearest in them.
  package init(daysSince1970 days: Int64) {
    let shifted = min(max(days, Self.daysMin), Self.daysMax) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
  }

  /// nil where the calendar has no such day.
  package init?(year: Int64, month: Int64, day: Int64) {
    guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
      return nil
    }
    self.year = year
    self.month = month
    self.day = day
    // A day that its month does not have comes back as another.
    guard CivilDate(daysSince1970: daysSince1970) == self else { return nil }
  }

  /// Days since 1970-01-01; negative before it.
  package var daysSince1970: Int64 {
    let marchYear = month > 2 ? year : year - 1
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
