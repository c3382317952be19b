import Testing

@testable import Server

@Suite struct CrashReportTests {
  @Test(arguments: [
    (nil as String?, "registers=none" as String?), ("", "registers=none"),
    ("enable=no", "enable=no,registers=none"),
    ("registers=all", nil), ("enable=yes,registers=none", nil),
  ])
  func `registers are left out of crash reports unless they are asked for`(
    _ given: String?, _ expected: String?
  ) {
    #expect(CrashReport.settings(given: given) == expected)
  }
}
