/// A gRPC method that Envoy calls, as a label.
package enum CallMethod: Int, Sendable, CaseIterable {
  /// Of ext_proc: `envoy.service.ext_proc.v3.ExternalProcessor`.
  case process
  /// Of ext_authz: `envoy.service.auth.v3.Authorization`.
  case check
  /// One that there is not.
  case other

  package var label: StaticString {
    switch self {
    case .process: "Process"
    case .check: "Check"
    case .other: "other"
    }
  }

  /// The ways in which a call of it can end.
  var statuses: [CallStatus] {
    switch self {
    case .process, .check: CallStatus.allCases
    case .other: [.unimplemented]
    }
  }
}

/// How a call ended: gRPC's status codes, by their numbers and under their names.
package enum CallStatus: Int, Sendable, CaseIterable {
  case ok = 0
  case cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists
  case permissionDenied, resourceExhausted, failedPrecondition, aborted, outOfRange
  case unimplemented, `internal`, unavailable, dataLoss, unauthenticated

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
