import Bytes
import SeededRandom
import Testing

@testable import Inference

@Suite struct MultipartScannerTests {
  private static let contentType = "multipart/form-data; boundary=XX"

  /// One part. Its header lines are separated by `|`.
  private func part(_ headers: String, _ content: String) -> String {
    "--XX\r\n" + headers.replacing("|", with: "\r\n") + "\r\n\r\n" + content + "\r\n"
  }

  private func field(_ name: String, _ content: String) -> String {
    part("Content-Disposition: form-data; name=\"\(name)\"", content)
  }

  private func file(_ content: String) -> String {
    part(
      #"Content-Disposition: form-data; name="file"; filename="a.wav"|Content-Type: audio/wav"#,
      content)
  }

  /// The outcome of a form, the same however it is cut.
  private func outcome(_ text: String) -> Outcome? {
    let body = Array(text.utf8)
    let cut = differingCut(count: body.count) {
      scanForm(body, contentType: Self.contentType, cuts: $0)
    }
    #expect(cut == nil)
    return scanForm(body, contentType: Self.contentType)
  }

  private func isInvalid(_ text: String) -> Bool {
    guard case .failure(.invalidMultipart) = outcome(text) else { return false }
    return true
  }

  @Test func `the model and stream fields are read with their places`() throws {
    let text =
      field("prompt", "Hello") + file("\u{0}\r\n--X\r\n--\n\r\r\n") + field("model", "whisper-1")
      + field("stream", "true") + "--XX--\r\n"
    let facts = try #require(outcome(text)).get()
    let bytes = Array(text.utf8)
    #expect(facts.model == Array("whisper-1".utf8))
    #expect(bytes[facts.modelRange ?? 0..<0].elementsEqual("whisper-1".utf8))
    #expect(facts.stream == true)
    #expect(bytes[facts.streamRange ?? 0..<0].elementsEqual("true".utf8))
    #expect(facts.textBytes == 5 + 9 + 4)
    #expect(facts.byteCount == bytes.count)
    let splice = try #require(facts.splice(model: Array("large-v3".utf8), multipart: true))
    let renamed = [splice].applied(to: bytes)
    #expect(
      String(decoding: renamed, as: UTF8.self) == text.replacing("whisper-1", with: "large-v3"))
  }

  @Test func `forms as clients write them are accepted`() throws {
    let model = field("model", "m")
    for text in [
      model + "--XX--", "\r\n" + model + "--XX--\r\n", file("") + model + "--XX--",
      part("content-disposition:form-data;name=model", "m") + "--XX--",
      part("CONTENT-DISPOSITION: Form-Data ; NAME=\"model\" ;", "m") + "--XX--",
      part("Content-Type: text/plain|Content-Disposition: form-data; name=\"model\"", "m")
        + "--XX--",
      part(#"Content-Disposition: form-data; filename="a\"\\b"; name="file""#, "x") + model
        + "--XX--",
      part("Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a", "x") + model
        + "--XX--",
      field("Ünï", "x") + model + "--XX--",
      file(String(repeating: "--XX", count: 9)) + model + "--XX--",
    ].filter({ !$0.contains("\r\n--XX--XX") }) {
      #expect(try #require(outcome(text)).get().model == Array("m".utf8))
    }
    #expect(try #require(outcome(file("x") + "--XX--")).get().model == nil)
  }

  @Test(arguments: [
    "model", "mode\u{6C}", "Model", "MODEL", "ſtream", "Stream", "stream",
  ])
  func `a field given twice, or spelled in another case, is refused`(name: String) {
    let key: InspectedKey = name.lowercased().hasPrefix("m") ? .model : .stream
    let value = key == .model ? "m" : "true"
    let text = field(key.name, value) + field(name, value) + "--XX--"
    #expect(outcome(text) == .failure(.duplicateKey(key)))
    if name != key.name {
      #expect(outcome(field(name, value) + "--XX--") == .failure(.duplicateKey(key)))
    }
  }

  @Test func `a field must be plain and its value valid`() {
    for headers in [
      #"Content-Disposition: form-data; name="model"; filename="m""#,
      #"Content-Disposition: form-data; name="model"; filename*=UTF-8''m"#,
      #"Content-Disposition: form-data; name="model"|Content-Transfer-Encoding: base64"#,
      #"Content-Transfer-Encoding: 8bit|Content-Disposition: form-data; name="model""#,
    ] {
      #expect(outcome(part(headers, "m") + "--XX--") == .failure(.invalidValue(.model)))
    }
    for value in ["", "a\n", "a\u{0}", "\u{7F}", "a\r\n", String(repeating: "m", count: 257)] {
      #expect(outcome(field("model", value) + "--XX--") == .failure(.invalidValue(.model)))
    }
    for value in ["", "1", "True", "yes", "true ", String(repeating: "t", count: 400)] {
      #expect(outcome(field("stream", value) + "--XX--") == .failure(.invalidValue(.stream)))
    }
    let latin =
      Array("--XX\r\nContent-Disposition: form-data; name=model\r\n\r\n".utf8) + [0xE9]
      + Array("\r\n--XX--".utf8)
    #expect(
      scanForm(latin, contentType: Self.contentType) == .failure(.invalidValue(.model)))
  }

  @Test func `the first problem decides, but not before a body that is no form`() {
    let text = field("model", "") + field("model", "m")
    #expect(outcome(text + "--XX--") == .failure(.invalidValue(.model)))
    #expect(isInvalid(text))
  }

  @Test func `what parsers would read differently is refused`() {
    let model = field("model", "m")
    for text in [
      "", "--XX", "--XX--", "--XX--\r\n", model, model + "--XX", model + "--XX-",
      model + "--XX--\r",
      model + "--XX--x", model + "--XX--\r\nx", model + "--XX \r\n",
      "preamble\r\n" + model + "--XX--",
      "\n" + model + "--XX--", "\r\n\r\n" + model + "--XX--",
      model.replacing("\r\n", with: "\n") + "--XX--",
      file("a\n--XX") + model + "--XX--", file("a\r\n--XXY") + model + "--XX--",
      file("--XX") + model + "--XX--", file("--XX--\r\n") + model + "--XX--",
      part("", "m") + "--XX--", part("Content-Type: text/plain", "m") + "--XX--",
      part("Content-Disposition: attachment; name=model", "m") + "--XX--",
      part("Content-Disposition: form-data", "m") + "--XX--",
      part("Content-Disposition: form-data; name=model; name=model", "m") + "--XX--",
      part("Content-Disposition: form-data; name=a; Name=model", "m") + "--XX--",
      part("Content-Disposition: form-data; name=a; name*=UTF-8''model", "m") + "--XX--",
      part("Content-Disposition: form-data; name*0=mo; name*1=del", "m") + "--XX--",
      part("Content-Disposition: form-data; name=a; filename=b; filename=c", "m") + "--XX--",
      part("Content-Disposition: form-data; name=a|Content-Disposition: form-data; name=model", "m")
        + "--XX--",
      part(#"Content-Disposition: form-data; name="mod\el""#, "m") + "--XX--",
      part(#"Content-Disposition: form-data; name="a\"b""#, "m") + "--XX--",
      part(#"Content-Disposition: form-data; filename="C:\x"; name=a"#, "m") + "--XX--",
      part(#"Content-Disposition: form-data; name="model"x"#, "m") + "--XX--",
      part(#"Content-Disposition: form-data; name="model"#, "m") + "--XX--",
      part("Content-Disposition: form-data; name=mo del", "m") + "--XX--",
      part("Content-Disposition: form-data, name=model", "m") + "--XX--",
      part("Content-Disposition: form-data; name = model", "m") + "--XX--",
      part("Content-Disposition : form-data; name=model", "m") + "--XX--",
      part("Content-Disposition: form-data;| name=model", "m") + "--XX--",
      part("no colon|Content-Disposition: form-data; name=model", "m") + "--XX--",
      part("Content-Disposition: form-data; name=\"mo\u{0}del\"", "m") + "--XX--",
      part("A: b\nContent-Disposition: form-data; name=model", "m") + "--XX--",
      part("A: b\rContent-Disposition: form-data; name=model", "m") + "--XX--",
    ] {
      #expect(isInvalid(text), "\(text.debugDescription)")
    }
  }

  @Test(arguments: [
    "multipart/form-data; boundary=XX", "Multipart/Form-Data;BOUNDARY=XX",
    #"multipart/form-data; boundary="XX""#,
    "multipart/form-data; charset=utf-8; boundary=XX; x=y;", "multipart/form-data ;\tboundary=XX ",
    #"multipart/form-data; a="; boundary=YY"; boundary=XX"#,
    #"multipart/form-data; boundary=XX; charset="UTF-8""#,
  ])
  func `a boundary is found wherever it stands`(contentType: String) throws {
    let body = Array((field("model", "m") + "--XX--").utf8)
    #expect(
      try #require(scanForm(body, contentType: contentType)).get().model == [UInt8(ascii: "m")])
  }

  @Test(arguments: [
    "", "multipart/form-data", "multipart/mixed; boundary=XX", "application/json",
    "multipart/form-data; boundary=",
    #"multipart/form-data; boundary="""#, #"multipart/form-data; boundary="a "#,
    "multipart/form-data; boundary=a b",
    #"multipart/form-data; boundary="a ""#, "multipart/form-data; boundary=a; boundary=a",
    "multipart/form-data; boundary=a; boundary*=UTF-8''b", "multipart/form-data; boundary=é",
    "multipart/form-data; boundary=a/b", #"multipart/form-data; boundary="a\"b""#,
    #"multipart/form-data; boundary="a;b""#,
    "multipart/form-data, boundary=a", "multipart/form-data boundary=a",
    "multipart/form-data; boundary",
    "multipart/form-data; boundary=a; charset=utf-7",
    "multipart/form-data; charset=cp037; boundary=a",
    "multipart/form-data; boundary=a; charset*=utf-8''utf-7",
    "multipart/form-data; boundary=a; charset=utf-8; charset*0=utf-7",
    // 0x0d is "-" but for a bit.
    "multipart/form-data; boundary=a; charset=\"utf\u{d}8\"",
    // For a reader that does not know quotes this is a charset.
    #"multipart/form-data; boundary=a; x="; charset=utf-7""#,
    "multipart/form-data; boundary=a; x=\"\u{e9}\"",
  ])
  func `a content type without one usable boundary is none`(contentType: String) {
    #expect(scanForm([], contentType: contentType) == nil)
  }

  @Test func `a boundary has at most 70 characters`() throws {
    let boundary = "'()+_,-./:=?" + String(repeating: "b", count: 58)
    let body = Array((field("model", "m") + "--XX--").replacing("XX", with: boundary).utf8)
    let contentType = "multipart/form-data; boundary=\"\(boundary)\""
    #expect(
      try #require(scanForm(body, contentType: contentType)).get().model == [UInt8(ascii: "m")])
    #expect(scanForm(body, contentType: "multipart/form-data; boundary=\"\(boundary)b\"") == nil)
  }

  @Test func `a name, the headers of a part and the parts are bounded`() throws {
    let name = String(repeating: "m", count: 256)
    #expect(try #require(outcome(field("model", name) + "--XX--")).get().model == Array(name.utf8))
    var limits = MultipartScanner.Limits()
    limits.headerBytesMax = 60
    limits.partsMax = 2
    func bounded(_ text: String) -> Outcome? {
      scanForm(Array(text.utf8), contentType: Self.contentType, limits: limits)
    }
    let headers = "Content-Disposition: form-data; name=a|X: "
    let filled = String(repeating: "x", count: 60 - headers.utf8.count + 1)
    #expect(try #require(bounded(part(headers + filled, "m") + "--XX--")).get().model == nil)
    #expect(
      bounded(part(headers + filled + "x", "m") + "--XX--")
        == .failure(.invalidMultipart(offset: 68)))
    let two = field("a", "") + field("b", "")
    #expect(try #require(bounded(two + "--XX--")).get().model == nil)
    #expect(
      bounded(two + field("c", "") + "--XX--")
        == .failure(.invalidMultipart(offset: two.utf8.count + 5)))
  }

  @Test func `a large file in random pieces gives the same result`() throws {
    var random = SeededRandom(11)
    var body = Array("--XX\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n".utf8)
    for _ in 0..<100_000 { body.append([10, 13, 45, 88, 0, 255].randomElement(using: &random)!) }
    // The random content may not contain the delimiter by chance.
    for index in body.indices.dropFirst(80) where body[index] == 88 && body[index - 1] == 88 {
      body[index] = 1
    }
    body += Array(("\r\n" + field("model", "m") + "--XX--").utf8)
    let whole = try #require(scanForm(body, contentType: Self.contentType))
    #expect(try whole.get().model == [UInt8(ascii: "m")])
    for _ in 0..<50 {
      let cuts = (0..<20).map { _ in Int.random(in: 0...body.count, using: &random) }.sorted()
      #expect(scanForm(body, contentType: Self.contentType, cuts: cuts) == whole)
    }
  }
}
