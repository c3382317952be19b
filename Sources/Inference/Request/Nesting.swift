/// The objects and arrays that are open, one bit each: 1 for an object, 0 for an array.
struct Nesting {
  /// The deepest nesting that can be represented; `RequestScanner.Limits.depthMax` may not be more.
  static let capacity = 1024

  private var kinds = InlineArray<16, UInt64>(repeating: 0)
  private(set) var depth = 0
  /// Whether the innermost open container is an object.
  private(set) var isInObject = false

  /// Opens an object or array. The caller has checked the depth.
  mutating func open(object: Bool) {
    let word = depth >> 6
    let bit = UInt64(1) << UInt64(depth & 63)
    kinds[word] = object ? kinds[word] | bit : kinds[word] & ~bit
    depth += 1
    isInObject = object
  }

  /// Closes the innermost object or array.
  mutating func close() {
    depth -= 1
    let enclosing = depth - 1
    isInObject = enclosing >= 0 && kinds[enclosing >> 6] >> UInt64(enclosing & 63) & 1 == 1
  }
}
