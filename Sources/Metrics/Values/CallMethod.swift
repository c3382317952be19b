/// The label `method`: the gRPC method that was called.
package enum CallMethod: Int, Sendable, CaseIterable {
  /// `envoy.service.ext_proc.v3.ExternalProcessor/Process` (ext_proc)
  case process
  /// `envoy.service.auth.v3.Authorization/Check` (ext_authz)
  case check
  /// A method that Tollgate does not have.
  case other

  /// The label's value.
  var label: StaticString {
    switch self {
    case .process: "Process"
    case .check: "Check"
    case .other: "other"
    }
  }

  /// The statuses with which a call can end.
  var statuses: [CallStatus] {
    switch self {
    case .process, .check: CallStatus.allCases
    case .other: [.unimplemented]
    }
  }
}
