import CNghttp2

/// Header fields as nghttp2 takes them. When they are submitted, nghttp2 copies names and values,
/// except those that are string literals: these live as long as the program.
@safe final class FieldBlock {
  /// One field: name and value literals, or a literal name with bytes of ours.
  enum Field {
    case literal(StaticString, StaticString)
    case bytes(StaticString, [UInt8])
  }

  // Allocated in init and freed with the block; nghttp2 copies the array when it is submitted.
  let start: UnsafeMutablePointer<nghttp2_nv>
  let count: Int
  private let values: UnsafeMutablePointer<UInt8>

  /// A block of those fields, in that order.
  init(_ fields: [Field]) {
    count = fields.count
    unsafe start = .allocate(capacity: max(1, fields.count))
    let size = fields.reduce(0) { sum, field in
      if case .bytes(_, let value) = field { sum + value.count } else { sum }
    }
    unsafe values = .allocate(capacity: max(1, size))
    var used = 0
    for (index, field) in fields.enumerated() {
      switch field {
      case .literal(let name, let value):
        unsafe (start + index).initialize(
          to: Self.entry(
            name, UnsafeMutablePointer(mutating: value.utf8Start), value.utf8CodeUnitCount, both))
      case .bytes(let name, let value):
        let copy = unsafe values + used
        for byte in value {
          unsafe values[used] = byte
          used += 1
        }
        unsafe (start + index).initialize(to: Self.entry(name, copy, value.count, nameOnly))
      }
    }
  }

  deinit {
    unsafe start.deallocate()
    unsafe values.deallocate()
  }

  private static func entry(
    _ name: StaticString, _ value: UnsafeMutablePointer<UInt8>, _ count: Int, _ flags: UInt8
  ) -> nghttp2_nv {
    unsafe nghttp2_nv(
      name: UnsafeMutablePointer(mutating: name.utf8Start), value: value,
      namelen: name.utf8CodeUnitCount, valuelen: count, flags: flags)
  }
}

// nghttp2's flags for what it need not copy: the name, or name and value.
private let nameOnly = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)
private let both = nameOnly | UInt8(NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
