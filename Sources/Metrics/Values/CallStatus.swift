/// The label `method`: the gRPC method that was called.
package enum CallMethod: Int, Sendable, CaseIterable {
  /// `envoy.service.ext_proc.v3.ExternalProcessor/Process` (ext_proc)
  case process
  /// `envoy.service.auth.v3.Authorization/Check` (ext_authz)
  case check
  /// A method that Tollgate does not have.
  case other

  /// The label's value.
  package var label: StaticString {
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

/// The label `code`: the gRPC status with which a call ended. Raw values are gRPC's numbers.
package enum CallStatus: Int, Sendable, CaseIterable {
  case ok = 0
  case cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists
  case permissionDenied, resourceExhausted, failedPrecondition, aborted, outOfRange
  case unimplemented, `internal`, unavailable, dataLoss, unauthenticated

  /// The label's value: gRPC's name of the status.
  package var label: StaticString {
    switch self {
    case .ok: "OK"
    case .cancelled: "CANCELLED"
    case .unknown: "UNKNOWN"
    case .invalidArgument: "INVALID_ARGUMENT"
    case .deadlineExceeded: "DEADLINE_EXCEEDED"
    case .notFound: "NOT_FOUND"
    case .alreadyExists: "ALREADY_EXISTS"
    case .permissionDenied: "PERMISSION_DENIED"
    case .resourceExhausted: "RESOURCE_EXHAUSTED"
    case .failedPrecondition: "FAILED_PRECONDITION"
    case .aborted: "ABORTED"
    case .outOfRange: "OUT_OF_RANGE"
    case .unimplemented: "UNIMPLEMENTED"
    case .internal: "INTERNAL"
    case .unavailable: "UNAVAILABLE"
    case .dataLoss: "DATA_LOSS"
    case .unauthenticated: "UNAUTHENTICATED"
    }
  }
}
