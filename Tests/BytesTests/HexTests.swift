import Testing

@testable import Bytes

@Suite struct HexTests {
  @Test func `every byte is two digits and back`() {
    let all = Array(UInt8.min...UInt8.max)
    let digits = Hex.digits(of: all)
    #expect(digits.count == 512)
    #expect(Hex.bytes(digits) == all)
    #expect(Hex.bytes(String(decoding: digits, as: UTF8.self).uppercased().utf8) == all)
    #expect(Hex.string(of: [0x00, 0x0f, 0xa0, 0xff] as [UInt8]) == "000fa0ff")
    #expect(Hex.string(of: [UInt8]()) == "")
  }

  @Test func `digits are the sixteen, and no other byte is one`() {
    for byte in UInt8.min...UInt8.max {
      let expected: UInt8? =
        byte < 0x80
        ? Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) } : nil
      #expect(Hex.value(byte) == expected)
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
      #expect(Hex.lowercaseValue(byte) == (isUpper ? nil : expected))
    }
    for value in UInt8(0)..<16 {
      #expect(Hex.lowercaseValue(Hex.digit(value)) == value)
      #expect(Hex.value(Hex.uppercaseDigit(value)) == value)
    }
    #expect((UInt8(0)..<16).map(Hex.uppercaseDigit) == Array("0123456789ABCDEF".utf8))
  }

  @Test(arguments: ["0", "abc", "0g", "g0", " 00", "0x", "00 ", "é"])
  func `an odd number of digits, or what is none, is no bytes`(text: String) {
    #expect(Hex.bytes(text.utf8) == nil)
  }
}
