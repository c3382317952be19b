import CInstructions

/// How far a run of bytes of one kind goes, from an index on: the only uses of `scan.h`
/// and `prose.h`.
///
/// Each call hands C a pointer and the count behind it for as long as the call lasts.
enum ByteRun {
  /// ASCII that stands for itself inside a JSON string.
  static func plain(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_plain_run(base, buffer.count)
    }
  }

  /// The same, and whole well-formed UTF-8 sequences.
  static func text(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_text_run(base, buffer.count)
    }
  }

  /// Whether this CPU has the instructions of the wide `prose`; asked once.
  static let hasWideProse = tollgate_prose_supported()

  /// The same, and whole escapes of two bytes: how many bytes, and how many escapes among them. With
  /// `wide` it may be less than there is.
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

  /// The length of a string after its opening quote, if it is plain ASCII and closes soon.
  @inline(__always)
  static func plainString(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    let rest = bytes.extracting(start..<bytes.count)
    let length = unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return -1 }
      return unsafe tollgate_plain_string(base, buffer.count)
    }
    return length < 0 ? nil : length
  }

  /// Whether all the bytes are of the base64 alphabets.
  static func isBase64(_ bytes: Span<UInt8>) -> Bool {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return true }
      return unsafe tollgate_base64_run(base, buffer.count) == buffer.count
    }
  }

  /// How many bytes from an index on are of the base64 alphabets, of the next 64.
  static func base64(_ bytes: Span<UInt8>, from start: Int) -> Int {
    let next = bytes.extracting(start..<min(start + 64, bytes.count))
    return unsafe next.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_base64_run(base, buffer.count)
    }
  }

  /// Whether the byte is of the base64 alphabets.
  static func isBase64(_ byte: UInt8) -> Bool {
    tollgate_is_base64(byte) != 0
  }

  /// Whether all the bytes from an index on are visible ASCII.
  static func isVisible(_ bytes: Span<UInt8>, from start: Int) -> Bool {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return true }
      return unsafe tollgate_visible_run(base, buffer.count) == buffer.count
    }
  }

  /// Everything before the first `byte`.
  static func until(_ byte: UInt8, _ bytes: Span<UInt8>, from start: Int) -> Int {
    let rest = bytes.extracting(start..<bytes.count)
    return unsafe rest.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe tollgate_until_byte(base, buffer.count, byte)
    }
  }
}
