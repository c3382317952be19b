import Terms
import Testing

@Suite struct DollarsTests {
  @Test(
    arguments: [
      (0, "0"), (1, "0.000000001"), (-1, "-0.000000001"), (1_500_000_000, "1.5"),
      (12_000_000_000, "12"), (.max, "9223372036.854775807"), (.min, "-9223372036.854775808"),
    ] as [(Int64, String)])
  func `Money is written exactly`(nanodollars: Int64, text: String) {
    #expect(Dollars.text(nanodollars) == text)
    #expect(Dollars.nanodollars(text) == nanodollars)
  }

  @Test(arguments: ["", "-", ".5", "1.", "1.0000000001", "9223372036.854775808", "1e3", "1.2.3"])
  func `What is no exact money is refused`(text: String) {
    #expect(Dollars.nanodollars(text) == nil)
  }
}
