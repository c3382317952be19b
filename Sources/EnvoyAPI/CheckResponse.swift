/// Field numbers of `envoy.service.auth.v3.CheckResponse` and the messages in it.
public enum CheckResponseField {
  /// A `google.rpc.Status {code = 1, message = 2}`.
  @inlinable package static var status: Int { 1 }
  @inlinable package static var deniedResponse: Int { 2 }
  @inlinable package static var okResponse: Int { 3 }
  /// A `Struct`, put under `envoy.filters.http.ext_authz`.
  @inlinable package static var dynamicMetadata: Int { 4 }
}

/// `DeniedHttpResponse`: `status` is an `HttpStatus {code = 1}`.
public enum DeniedResponseField {
  @inlinable package static var status: Int { 1 }
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var body: Int { 3 }
}

/// `OkHttpResponse`.
public enum OkResponseField {
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var headersToRemove: Int { 5 }
  @inlinable package static var responseHeadersToAdd: Int { 6 }
}
