/// Field numbers of `envoy.service.auth.v3.CheckResponse` and the messages in it.
package enum CheckResponseField {
  /// A `google.rpc.Status {code = 1, message = 2}`.
  package static let status = 1
  package static let deniedResponse = 2
  package static let okResponse = 3
  /// A `Struct`, put under `envoy.filters.http.ext_authz`.
  package static let dynamicMetadata = 4
}

/// `DeniedHttpResponse`: `status` is an `HttpStatus {code = 1}`.
package enum DeniedResponseField {
  package static let status = 1
  package static let headers = 2
  package static let body = 3
}

/// `OkHttpResponse`.
package enum OkResponseField {
  package static let headers = 2
  package static let headersToRemove = 5
  package static let responseHeadersToAdd = 6
}
