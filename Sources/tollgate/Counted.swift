/// A number with its noun: `1 byte`, `2 bytes`.
enum Counted {
  /// `noun` in the singular; the plural gets an `s`.
  static func text(_ count: some BinaryInteger, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
