import Bytes

/// An answer: its status, header fields and body.
package struct HTTPResponse: Sendable {
  package var status: HTTPStatus
  /// The value of `content-type`.
  package var contentType: String
  package var body: [UInt8]
  /// Header fields beside those that every answer has; names in lower case.
  package var fields: [(name: String, value: String)] = []

  /// An answer without further header fields.
  package init(_ status: HTTPStatus, _ contentType: String, _ body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  /// Plain text.
  package static func text(_ status: HTTPStatus, _ text: String) -> HTTPResponse {
    HTTPResponse(status, "text/plain; charset=utf-8", Array(text.utf8))
  }

  /// JSON.
  package static func json(_ status: HTTPStatus, _ body: [UInt8]) -> HTTPResponse {
    HTTPResponse(status, "application/json", body)
  }

  /// An error as JSON, whatever was asked for: `{"error":{"message":…}}`.
  package static func error(_ status: HTTPStatus, _ message: String) -> HTTPResponse {
    .json(
      status,
      JSONWriter.object { json in
        json.object("error") { $0.field("message", message) }
      })
  }

  /// Header fields of every answer, for browsers: do not cache it, do not guess another type, send
  /// no Referer from it, and let no other site read it or show it in a frame.
  private static let always: [(name: String, value: String)] = [
    ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"), ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"), ("x-frame-options", "DENY"),
  ]

  /// The Content-Security-Policy of an answer that has none of its own: nothing is allowed.
  private static let nothingAllowed = (
    name: "content-security-policy", value: "default-src 'none'; frame-ancestors 'none'"
  )

  /// The answer's status line and header fields, as they are sent.
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
