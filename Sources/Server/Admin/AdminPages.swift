import AdminPage
import Books
import Metrics

/// What each path of the admin server is answered with.
///
/// On the admin server's thread.
package final class AdminPages: AdminSite {
  static let alivePath = "/healthz"
  static let readyPath = "/readyz"
  private static let requestsPath = "/api/v1/requests/"

  private let state: ServingState
  private let page = EmbeddedPage(html: AdminPage.html)
  private var metrics: MetricsPage
  /// The books that `metrics` reads; nil until the ledger is recovered.
  private var books: Books?
  private var directory = TenantDirectory()

  /// Pages about `state`.
  package init(state: ServingState) {
    self.state = state
    metrics = MetricsPage(registry: state.metrics, books: nil)
  }

  /// Answers a request; an address for probes answers only the paths that probes need.
  package func answer(_ request: HTTPRequest, scope: AdminScope) -> HTTPResponse {
    let now = state.current
    switch request.path {
    case Self.alivePath:
      // That this thread answers is enough. Whether requests can be admitted is what /readyz says.
      return .text(.ok, "ok\n")
    case Self.readyPath:
      let reasons = now.reasons
      guard !reasons.isEmpty else { return .text(.ok, "ready\n") }
      return .text(.serviceUnavailable, reasons.map { $0 + "\n" }.joined())
    case "/metrics":
      return exposition(now)
    default:
      guard scope != .probes else { return .nothingHere }
      return operators(request, now)
    }
  }

  /// What `--admin` answers and `--metrics` does not.
  private func operators(_ request: HTTPRequest, _ now: ServingState.Values) -> HTTPResponse {
    switch request.path {
    case "/":
      return page.response
    case "/api/v1/status":
      return .json(.ok, StatusReport(state: state, now: now).json)
    case "/api/v1/traffic":
      return .json(.ok, TrafficReport(metrics: state.metrics, policy: now.policy).json)
    case "/api/v1/history":
      return .json(.ok, state.history.json)
    case "/api/v1/usage":
      guard let books = now.books else {
        return .error(.serviceUnavailable, "the ledger is not open yet")
      }
      return .json(.ok, UsageSums(books).json)
    case "/api/v1/tenants":
      return tenants(request, now)
    case "/api/v1/refusals":
      return .json(.ok, RefusalReport(events: state.metrics.refusals).json)
    default:
      if request.path.hasPrefix(Self.requestsPath), let directory = now.directory {
        let id = request.path.dropFirst(Self.requestsPath.count)
        return RequestReport(id: id, directory: directory)?.response ?? .nothingHere
      }
      return .nothingHere
    }
  }

  private func tenants(_ request: HTTPRequest, _ now: ServingState.Values) -> HTTPResponse {
    do throws(AdminQuery.Problem) {
      let query = try TenantQuery(AdminQuery(request.query))
      directory.follow(now.policy)
      let report = TenantReport(
        found: directory.names(query), query: query, metrics: state.metrics, books: now.books,
        policy: now.policy)
      return .json(.ok, report.json)
    } catch {
      return .error(.badRequest, error.description)
    }
  }

  private func exposition(_ now: ServingState.Values) -> HTTPResponse {
    if books !== now.books {
      books = now.books
      metrics = MetricsPage(registry: state.metrics, books: books)
    }
    let facts = MetricsPage.Facts(
      version: Version.string, policy: now.policyStatus, ship: now.ship(),
      process: ProcessReading.now(startedNanoseconds: state.startedNanoseconds),
      responseIDs: now.responseIDs(), store: now.store())
    return HTTPResponse(
      .ok, "text/plain; version=0.0.4; charset=utf-8", metrics.render(facts))
  }
}

extension HTTPResponse {
  /// No such path.
  static var nothingHere: HTTPResponse { .error(.notFound, "there is nothing at this path") }
}
