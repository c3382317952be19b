/// A record's content that is complete. It has many fields and goes from hand to hand: it is handed on as
/// one reference, and nothing of it is copied.
@dynamicMemberLookup
package final class Reference<Content: Equatable & Sendable>: Equatable, Sendable {
  package let value: Content

  package init(_ value: consuming Content) { self.value = value }

  /// Hands out all of it. `value` as an argument would be copied first, field by field.
  @inlinable @inline(__always)
  package func read<Result>(_ body: (borrowing Content) -> Result) -> Result { body(value) }

  package subscript<Field>(dynamicMember field: KeyPath<Content, Field>) -> Field {
    value[keyPath: field]
  }

  package static func == (left: Reference, right: Reference) -> Bool {
    left === right || left.value == right.value
  }
}
