import Testing

@testable import Bytes

private func essence(_ text: String) -> String? {
  let bytes = Array(text.utf8)
  return HeaderValue.essence(of: bytes.span).map { String(decoding: bytes[$0], as: UTF8.self) }
}

private func headerValue(_ text: String) -> HeaderValue? {
  let bytes = Array(text.utf8)
  return HeaderValue(bytes.span)
}

@Suite struct HeaderValueTests {
  @Test(
    arguments: [
      ("form-data", "form-data", []), (" Form-Data ", "form-data", []),
      ("text/plain;", "text/plain", []), ("text/plain ; ;\t;", "text/plain", []),
      ("form-data; Name=Model", "form-data", ["name=Model"]),
      ("form-data;name=\"a b\";filename=x", "form-data", ["name=a b", "filename=x"]),
      (#"form-data; name="a\"b\\c""#, "form-data", [#"name=a"b\c"#]),
      (#"form-data; name="; x=1""#, "form-data", ["name=; x=1"]),
      ("form-data; name=\"\"", "form-data", ["name="]), ("x; a*=utf-8''b", "x", ["a*=utf-8''b"]),
    ] as [(String, String, [String])])
  func `a value is read with its parameters`(
    text: String, value: String, parameters: [String]
  ) throws {
    let header = try #require(headerValue(text))
    #expect(String(decoding: header.value, as: UTF8.self) == value)
    let found = header.parameters.map {
      String(decoding: $0.name, as: UTF8.self) + "=" + String(decoding: $0.value, as: UTF8.self)
    }
    #expect(found == parameters)
    #expect(essence(text)?.lowercased() == value)
  }

  @Test(arguments: [
    "", " ", ";", "; a=b", "text/plain, text/html", "text/plain a=b", "text plain",
    "é/plain", "x; a", "x; a=", "x; =b", "x; a =b", "x; a= b", "x; a=b c", "x; a=b, y",
    "x; a=b; a=b", "x; A=b; a=c", "x; a=\"b", #"x; a="b\"#, #"x; a="\b""#, "x; a=\"b\"c",
    "x; a=\"b\" c", "x; a=é", "x; a=b/c", "x; \"a\"=b",
  ])
  func `what others may read otherwise is not read at all`(text: String) {
    #expect(headerValue(text) == nil)
  }

  @Test(
    arguments: [
      ("text/plain", "text/plain"), (" text/plain\t; garbage", "text/plain"), ("a;;;", "a"),
      ("Text/Plain;charset", "Text/Plain"), ("text/plain, a", nil), ("text/plain a;", nil),
      ("", nil), ("  ", nil), (";a=b", nil), ("téxt/plain", nil),
    ] as [(String, String?)])
  func `the value in front is there whatever the parameters are`(text: String, value: String?) {
    #expect(essence(text) == value)
  }

  @Test func `an escape and another form of a name are told`() throws {
    let header = try #require(headerValue(#"x; a="\""; b=c; charset*0=utf; charset=d"#))
    #expect(header.parameters.map(\.hasEscapes) == [true, false, false, false])
    #expect(header.parameters.map { $0.isForm(of: "charset") } == [false, false, true, true])
    #expect(header[Array("b".utf8)]?.value == Array("c".utf8))
    #expect(header[Array("c".utf8)] == nil)
  }

  @Test(arguments: [
    ("x", true), ("x; charset=utf-8", true), ("x; Charset=\"UTF-8\"", true), ("x; a=b", true),
    (#"x; a="b; c""#, true), (#"x; a="charset=utf-7""#, true), ("x; charset=utf-16", false),
    ("x; charset=utf8", false), ("x; charset=\"\"", false), ("x; charset*=utf-8''utf-8", false),
    ("x; charset*0=utf-8", false), ("x; charsets=utf-8", false), ("x; charset=\"utf-8 \"", false),
    ("x; charset=utf-8; charset*=utf-7", false), ("x; charset=\"utf\u{d}8\"", false),
    (#"x; a=";charset=utf-7""#, false), (#"x; a="b; ;\#tCharset =utf-7""#, false),
    ("x; a=\"\u{a0}\"", false), ("x; a=\"\u{1}\"", false), ("x; a=\"b\u{7f}\"", false),
  ])
  func `only where every reader finds UTF-8 is it UTF-8`(text: String, isUTF8: Bool) throws {
    let header = try #require(headerValue(text))
    #expect(header.isReadAsUTF8 == isUTF8)
  }

  @Test func `tokens are of RFC 9110's characters`() {
    let others = "!#$%&'*+-.^_`|~"
    for byte in UInt8.min...UInt8.max {
      let scalar = Unicode.Scalar(byte)
      let expected =
        byte < 0x80
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
          || others.unicodeScalars.contains(scalar))
      #expect(HeaderValue.isTokenByte(byte) == expected, "\(byte)")
    }
    #expect(HeaderValue.isToken("x-session-id".utf8))
    #expect(!HeaderValue.isToken("".utf8))
    #expect(!HeaderValue.isToken("x y".utf8))
  }
}
