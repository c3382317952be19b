import Bytes

/// Writes the parts of an `envoy.service.ext_proc.v3.ProcessingResponse`. A message is written from its
/// end to its beginning (see `WireWriter`).
extension WireWriter {
  /// Writes a `HeaderValueOption` as field `field` of the current message: `header = 1 {key = 1,
  /// raw_value = 3}`, `append_action = 3` OVERWRITE_IF_EXISTS_OR_ADD, so that a value that the client
  /// sent does not stay.
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

  /// As above, with a value in an array.
  package mutating func setHeader(_ field: Int, _ name: [UInt8], _ value: [UInt8]) {
    setHeader(field, name, value.span)
  }

  /// As above, with a name that is a literal.
  package mutating func setHeader(_ field: Int, _ name: StaticString, _ value: [UInt8]) {
    setHeader(field, name, value.span)
  }

  /// As above, with a value that is borrowed.
  package mutating func setHeader(_ field: Int, _ name: StaticString, _ value: Span<UInt8>) {
    let (nameBytes, valueBytes) = (name.utf8CodeUnitCount, value.count)
    // What nearly every header is: each length fits into one byte, so all is known before it is written.
    if nameBytes + valueBytes < 120, field < 16 {
      return fill(nameBytes + valueBytes + 10) { output in
        func pair(_ tag: Int, _ count: Int) {
          output.append(UInt8(truncatingIfNeeded: tag))
          output.append(UInt8(truncatingIfNeeded: count))
        }
        pair(field << 3 | 2, nameBytes + valueBytes + 8)
        pair(1 << 3 | 2, nameBytes + valueBytes + 4)
        pair(1 << 3 | 2, nameBytes)
        output.append(copying: name)
        pair(3 << 3 | 2, valueBytes)
        output.append(copying: value)
        pair(3 << 3, 2)
      }
    }
    let option = mark
    self.field(3, 2)
    let header = mark
    self.field(3, value)
    self.field(1, name)
    close(1, since: header)
    close(field, since: option)
  }

  /// As above, with a name and a value that are literals.
  package mutating func setHeader(_ field: Int, _ name: StaticString, _ value: StaticString) {
    let option = mark
    self.field(3, 2)
    let header = mark
    self.field(3, value)
    self.field(1, name)
    close(1, since: header)
    close(field, since: option)
  }

  /// Ends a `CommonResponse`, whose fields were written since `mark`, as the reply to `phase`: in
  /// `HeadersResponse.response` or `BodyResponse.response`, both field 1.
  @inlinable
  package mutating func closeCommonResponse(_ phase: ProcessingPhase, since mark: Int) {
    close(1, since: mark)
    close(phase.responseField, since: mark)
  }
}

extension ProcessingPhase {
  /// The number of the field of `ProcessingResponse` that replies to this phase.
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

/// Field numbers of `ProcessingResponse`, besides the replies to a phase (`responseField`).
public enum ProcessingResponseField {
  @inlinable package static var immediateResponse: Int { 7 }
  @inlinable package static var dynamicMetadata: Int { 8 }
}

/// Field numbers of `CommonResponse`. `status = 1` is never written: CONTINUE is 0, the default.
public enum CommonResponseField {
  @inlinable package static var headerMutation: Int { 2 }
  @inlinable package static var bodyMutation: Int { 3 }
  @inlinable package static var clearRouteCache: Int { 5 }
}

/// Field numbers of `HeaderMutation`.
public enum HeaderMutationField {
  @inlinable package static var setHeaders: Int { 1 }
  @inlinable package static var removeHeaders: Int { 2 }
}

/// Field numbers of `BodyMutation`, and with `streamed…` those of the `StreamedBodyResponse` in its
/// third field.
public enum BodyMutationField {
  @inlinable package static var body: Int { 1 }
  @inlinable package static var clearBody: Int { 2 }
  @inlinable package static var streamedResponse: Int { 3 }
  @inlinable package static var streamedBody: Int { 1 }
  @inlinable package static var streamedEndOfStream: Int { 2 }
}

/// Field numbers of `ImmediateResponse`. `status` is an `HttpStatus {code = 1}`, `grpcStatus` a
/// `GrpcStatus {status = 1}`, `headers` a `HeaderMutation`.
public enum ImmediateResponseField {
  @inlinable package static var status: Int { 1 }
  @inlinable package static var headers: Int { 2 }
  @inlinable package static var body: Int { 3 }
  @inlinable package static var grpcStatus: Int { 4 }
  @inlinable package static var details: Int { 5 }
}

/// Writes the entries of a `google.protobuf.Struct`: `fields = 1`, a map of `Value`s.
extension WireWriter {
  /// Ends an entry whose `Value` was written since `mark`.
  package mutating func closeStructEntry(_ name: [UInt8], since mark: Int) {
    close(2, since: mark)
    field(1, name)
    close(1, since: mark)
  }

  /// As above, with a name that is a literal.
  package mutating func closeStructEntry(_ name: StaticString, since mark: Int) {
    close(2, since: mark)
    field(1, name)
    close(1, since: mark)
  }

  /// Writes an entry with a `string_value`; the name is a literal.
  package mutating func structEntry(_ name: StaticString, string: [UInt8]) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  /// As above, with a value that is a literal.
  package mutating func structEntry(_ name: StaticString, string: StaticString) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  /// Writes an entry with a `number_value`; the name is a literal.
  package mutating func structEntry(_ name: StaticString, number: Double) {
    let entry = mark
    double(2, number)
    closeStructEntry(name, since: entry)
  }

  /// Writes an entry with a `bool_value`; the name is a literal.
  package mutating func structEntry(_ name: StaticString, bool: Bool) {
    let entry = mark
    field(4, bool ? 1 : 0)
    closeStructEntry(name, since: entry)
  }

  /// Writes an entry with a `string_value`.
  package mutating func structEntry(_ name: [UInt8], string: Span<UInt8>) {
    let entry = mark
    field(3, string)
    closeStructEntry(name, since: entry)
  }

  /// As above, with a value in an array.
  package mutating func structEntry(_ name: [UInt8], string: [UInt8]) {
    structEntry(name, string: string.span)
  }

  /// Writes an entry with a `bool_value`.
  package mutating func structEntry(_ name: [UInt8], bool: Bool) {
    let entry = mark
    field(4, bool ? 1 : 0)
    closeStructEntry(name, since: entry)
  }

  /// Writes an entry with a `number_value`.
  package mutating func structEntry(_ name: [UInt8], number: Double) {
    let entry = mark
    double(2, number)
    closeStructEntry(name, since: entry)
  }
}
