/// Field numbers of `envoy.service.auth.v3.CheckResponse`.
public enum CheckResponseField {
  /// A `google.rpc.Status {code = 1, message = 2}`.
  @inlinable package static var status: Int { 1 }
  @inlinable package static var deniedResponse: Int { 2 }
  @inlinable package static var okResponse: Int { 3 }
  /// A `Struct`; Envoy puts it into the metadata namespace `envoy.filters.http.ext_authz`.
  @inlinable package static var dynamicMetadata: Int { 4 }
}

/// Field numbers of `DeniedHttpResponse`. `status` is an `HttpStatus {code = 1}`, `headers` are
/// `HeaderValueOption`s.
public enum DeniedResponseField {
  @inlinable package static var status: Int { 1 }
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var body: Int { 3 }
}

/// Field numbers of `OkHttpResponse`. `headers` and `responseHeadersToAdd` are `HeaderValueOption`s.
public enum OkResponseField {
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var headersToRemove: Int { 5 }
  @inlinable package static var responseHeadersToAdd: Int { 6 }
}
