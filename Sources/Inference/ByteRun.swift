import CInstructions

/// How many bytes of one kind follow from an index on. The only place that calls the C of `scan.h`
/// and `prose.h`.
///
/// Each call passes C a pointer and its byte count; both are valid for the length of the call.
enum ByteRun {
  /// The bytes of ASCII that need no unescaping inside a JSON string: no quote, backslash or control.
  static func plain(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_plain_run(base, buffer.count)
    }
  }

  /// As `plain`, and whole well-formed UTF-8 sequences (RFC 3629) too.
  static func text(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_text_run(base, buffer.count)
    }
  }

  /// Whether this CPU has the instructions that `prose` needs with `wide`; asked once.
  static let hasWideProse = tollgate_prose_supported()

  /// As `text`, and whole escapes of two bytes (`\\n`) too: the bytes passed over, and the number of
  /// escapes among them. With `wide` the run may stop early; calling again goes on.
  static func prose(
    _ bytes: Span<UInt8>, from start: Int, wide: Bool
  ) -> (passed: Int, escapes: Int) {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return (0, 0) }
      let run =
        wide
        ? unsafe tollgate_prose_run_wide(base, buffer.count)
        : unsafe tollgate_prose_run_portable(base, buffer.count)
      return (run.passed, run.escapes)
    }
  }

  /// The length of a string whose opening quote is just before `start`, if it is plain ASCII of less
  /// than 240 bytes and ends in this chunk; else nil.
  @inline(__always)
  static func plainString(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    let rest = bytes.extracting(start..<bytes.count)
    let length = unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return -1 }
      return unsafe tollgate_plain_string(base, buffer.count)
    }
    return length < 0 ? nil : length
  }

  /// Whether all the bytes are of the base64 alphabets (RFC 4648, 4 and 5).
  static func isBase64(_ bytes: Span<UInt8>) -> Bool {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return true }
      return unsafe tollgate_base64_run(base, buffer.count) == buffer.count
    }
  }

  /// The number of bytes before the first `byte`, or up to the end where there is none.
  static func until(_ byte: UInt8, _ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_until_byte(base, buffer.count, byte)
    }
  }
}
