import Bytes
import Foundation

/// The operators' page, with its Content-Security-Policy: the browser runs only the script and the
/// style that are in the page, and lets it send requests to this address only.
struct EmbeddedPage {
  /// The answer with the page.
  let response: HTTPResponse

  /// `html` must have exactly one `<script>` and one `<style>`.
  init(html: [UInt8]) {
    let text = String(decoding: html, as: UTF8.self)
    let rules = [
      "default-src 'none'", "script-src '\(Self.hash(of: "script", in: text))'",
      "style-src '\(Self.hash(of: "style", in: text))'", "connect-src 'self'", "img-src data:",
      "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ]
    var response = HTTPResponse(.ok, "text/html; charset=utf-8", html)
    response.fields.append(("content-security-policy", rules.joined(separator: "; ")))
    self.response = response
  }

  /// The CSP hash source of the only element `tag` (CSP Level 3, section 2.3.1).
  private static func hash(of tag: String, in html: String) -> String {
    let parts = html.components(separatedBy: "<\(tag)>")
    precondition(parts.count == 2, "the page has one <\(tag)>")
    let content = parts[1].components(separatedBy: "</\(tag)>")[0]
    let bytes = Array(content.utf8)
    var hash = SHA256()
    hash.update(bytes.span)
    return "sha256-" + Data(hash.finalize().bytes).base64EncodedString()
  }
}
