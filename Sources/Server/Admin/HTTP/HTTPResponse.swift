import Bytes

/// An answer before it is bytes.
package struct HTTPResponse: Sendable {
  package var status: HTTPStatus
  package var contentType: String
  package var body: [UInt8]
  /// Further header fields, names in lower case.
  package var fields: [(name: String, value: String)] = []

  package init(_ status: HTTPStatus, _ contentType: String, _ body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  package static func text(_ status: HTTPStatus, _ text: String) -> HTTPResponse {
    HTTPResponse(status, "text/plain; charset=utf-8", Array(text.utf8))
  }

  package static func json(_ status: HTTPStatus, _ body: [UInt8]) -> HTTPResponse {
    HTTPResponse(status, "application/json", body)
  }

  /// Every error looks like this, whatever was asked for.
  package static func error(_ status: HTTPStatus, _ message: String) -> HTTPResponse {
    .json(
      status,
      JSONWriter.object { json in
        json.object("error") { $0.field("message", message) }
      })
  }

  /// What every answer says to browsers: take the type as it is, keep nothing, tell nobody, and
  /// let no other site read it or show it in a frame.
  private static let always: [(name: String, value: String)] = [
    ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"), ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"), ("x-frame-options", "DENY"),
  ]

  /// What a page without its own rule may do: nothing.
  private static let nothingAllowed = (
    name: "content-security-policy", value: "default-src 'none'; frame-ancestors 'none'"
  )

  /// The answer's head as it goes over the wire.
  package func head(closes: Bool, wallSeconds: Int64) -> [UInt8] {
    var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
    var all = [
      (name: "date", value: HTTPDate.text(wallSeconds: wallSeconds)),
      (name: "content-type", value: contentType), (name: "content-length", value: "\(body.count)"),
      (name: "connection", value: closes ? "close" : "keep-alive"),
    ]
    all += Self.always
    if !fields.contains(where: { $0.name == Self.nothingAllowed.name }) {
      all.append(Self.nothingAllowed)
    }
    for field in all + fields { head += "\(field.name): \(field.value)\r\n" }
    head += "\r\n"
    return Array(head.utf8)
  }
}
