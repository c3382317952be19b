import Bytes

/// The pieces of `envoy.service.ext_proc.v3.ProcessingResponse` that this program writes. They are
/// written from the end to the beginning (see `WireWriter`).
extension WireWriter {
  /// A `HeaderValueOption` in field `field` of the message that is being written: `header = 1
  /// {key = 1, raw_value = 3}`, `append_action = 3`: OVERWRITE_IF_EXISTS_OR_ADD, so that a client's
  /// copy cannot stay first.
  @inlinable
  package mutating func setHeader(_ field: Int, _ name: [UInt8], _ value: Span<UInt8>) {
    let option = mark
    self.field(3, 2)
    let header = mark
    self.field(3, value)
    self.field(1, name)
    close(1, since: header)
    close(field, since: option)
  }

  package mutating func setHeader(_ field: Int, _ name: [UInt8], _ value: [UInt8]) {
    setHeader(field, name, value.span)
  }

  /// The same with a name, or a name and a value, that stand in the program.
  package mutating func setHeader(_ field: Int, _ name: StaticString, _ value: [UInt8]) {
    let option = mark
    self.field(3, 2)
    let header = mark
    self.field(3, value)
    self.field(1, name)
    close(1, since: header)
    close(field, since: option)
  }

  package mutating func setHeader(_ field: Int, _ name: StaticString, _ value: StaticString) {
    let option = mark
    self.field(3, 2)
    let header = mark
    self.field(3, value)
    self.field(1, name)
    close(1, since: header)
    close(field, since: option)
  }

  /// Closes a `CommonResponse` (whose fields were written since `mark`) as the reply to `phase`:
  /// `HeadersResponse.response` or `BodyResponse.response`, both field 1.
  @inlinable
  package mutating func closeCommonResponse(_ phase: ProcessingPhase, since mark: Int) {
    close(1, since: mark)
    close(phase.responseField, since: mark)
  }
}

extension ProcessingPhase {
  /// The field of `ProcessingResponse` that answers this phase.
  @inlinable
  package var responseField: Int {
    switch self {
    case .requestHeaders: 1
    case .responseHeaders: 2
    case .requestBody: 3
    case .responseBody: 4
    case .requestTrailers: 5
    case .responseTrailers: 6
    }
  }
}

/// Field numbers of the messages in a `ProcessingResponse`.
public enum ProcessingResponseField {
  @inlinable package static var immediateResponse: Int { 7 }
  @inlinable package static var dynamicMetadata: Int { 8 }
}

/// `CommonResponse`: `status = 1` (CONTINUE is 0 and is left out).
public enum CommonResponseField {
  @inlinable package static var headerMutation: Int { 2 }
  @inlinable package static var bodyMutation: Int { 3 }
  @inlinable package static var clearRouteCache: Int { 5 }
}

/// `HeaderMutation`.
public enum HeaderMutationField {
  @inlinable package static var setHeaders: Int { 1 }
  @inlinable package static var removeHeaders: Int { 2 }
}

/// `BodyMutation`, and `StreamedBodyResponse` in its third field.
public enum BodyMutationField {
  @inlinable package static var body: Int { 1 }
  @inlinable package static var clearBody: Int { 2 }
  @inlinable package static var streamedResponse: Int { 3 }
  @inlinable package static var streamedBody: Int { 1 }
  @inlinable package static var streamedEndOfStream: Int { 2 }
}

/// `ImmediateResponse`; `status` is an `HttpStatus {code = 1}`, `grpcStatus` a `GrpcStatus
/// {status = 1}`, `headers` a `HeaderMutation`.
public enum ImmediateResponseField {
  @inlinable package static var status: Int { 1 }
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var body: Int { 3 }
  @inlinable package static var grpcStatus: Int { 4 }
  @inlinable package static var details: Int { 5 }
}

/// `google.protobuf.Struct`: entries of `fields = 1`.
extension WireWriter {
  /// An entry of a `Struct` whose `Value` was written since `mark`.
  package mutating func closeStructEntry(_ name: [UInt8], since mark: Int) {
    close(2, since: mark)
    field(1, name)
    close(1, since: mark)
  }

  package mutating func closeStructEntry(_ name: StaticString, since mark: Int) {
    close(2, since: mark)
    field(1, name)
    close(1, since: mark)
  }

  /// A string entry whose name, or name and value, stand in the program.
  package mutating func structEntry(_ name: StaticString, string: [UInt8]) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  package mutating func structEntry(_ name: StaticString, string: StaticString) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  package mutating func structEntry(_ name: StaticString, number: Double) {
    let entry = mark
    double(2, number)
    closeStructEntry(name, since: entry)
  }

  /// A bool entry.
  package mutating func structEntry(_ name: StaticString, bool: Bool) {
    let entry = mark
    field(4, bool ? 1 : 0)
    closeStructEntry(name, since: entry)
  }

  /// A string entry.
  package mutating func structEntry(_ name: [UInt8], string: Span<UInt8>) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  package mutating func structEntry(_ name: [UInt8], string: [UInt8]) {
    structEntry(name, string: string.span)
  }

  /// A bool entry.
  package mutating func structEntry(_ name: [UInt8], bool: Bool) {
    let entry = mark
    field(4, bool ? 1 : 0)
    closeStructEntry(name, since: entry)
  }

  /// A number entry.
  package mutating func structEntry(_ name: [UInt8], number: Double) {
    let entry = mark
    double(2, number)
    closeStructEntry(name, since: entry)
  }
}
