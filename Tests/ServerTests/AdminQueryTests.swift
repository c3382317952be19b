import AdminPage
import Foundation
import Testing

@testable import Server

struct AdminQueryTests {
  private func query(_ text: String?) throws(AdminQuery.Problem) -> TenantQuery {
    try TenantQuery(try AdminQuery(text))
  }

  @Test func `tenants are asked for by offset, limit and a part of their name`() throws {
    let nothing = try query(nil)
    #expect(nothing.offset == 0 && nothing.limit == 50 && nothing.search == "")
    let all = try query("limit=200&offset=7&other=%20&search=a%26+%c3%a9=b&&")
    #expect(all.offset == 7 && all.limit == 200 && all.search == "a& é=b")
    #expect(try query("search").search == "")
    #expect(try query("search=" + String(repeating: "x", count: 400)).search.count == 400)
  }

  @Test func `what is out of bounds is refused`() {
    for text in ["limit=201", "limit=0", "limit=", "limit=-1", "limit=1.5", "limit=%31%3"] {
      #expect(throws: AdminQuery.Problem.self, "\(text)") { _ = try query(text) }
    }
    #expect(throws: AdminQuery.Problem.number(name: "offset", range: 0...100_000_000)) {
      _ = try query("offset=100000001")
    }
    #expect(throws: AdminQuery.Problem.tooLong(name: "search", limit: 400)) {
      _ = try query("search=" + String(repeating: "x", count: 401))
    }
    for text in ["search=%", "search=%4", "search=%zz", "search=%ff", "%80"] {
      #expect(throws: AdminQuery.Problem.encoding, "\(text)") { _ = try query(text) }
    }
  }

  @Test func `the page runs its own script and style alone, and asks nobody else`() throws {
    let text = String(decoding: AdminPage.html, as: UTF8.self)
    let response = EmbeddedPage(html: AdminPage.html).response
    let policy = try #require(response.fields.first { $0.name == "content-security-policy" }?.value)
    #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
    #expect(!policy.contains("unsafe"))
    #expect(policy.contains("frame-ancestors 'none'"))
    // What a policy of hashes would not let run, and what would ask another place.
    for part in [" style=", " onclick=", "javascript:", "innerHTML", "https://", "insertAdjacent"] {
      #expect(!text.contains(part), "\(part)")
    }
    // The one address is a namespace's name.
    #expect(text.components(separatedBy: "http://").count == 2)
    #expect(text.contains("http://www.w3.org/2000/svg"))
  }

  @Test func `a hash source is of the element's very bytes`() {
    // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
    let html = "<style>a</style><script>alert(1)</script>"
    let response = EmbeddedPage(html: Array(html.utf8)).response
    let policy = response.fields[0].value
    #expect(policy.contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"))
  }
}
