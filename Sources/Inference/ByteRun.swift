import CInstructions

/// How far a run of bytes of one kind goes, from an index on: the only uses of `scan.h`.
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
