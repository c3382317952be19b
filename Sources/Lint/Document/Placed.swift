/// A value with the field that has it.
struct Placed<Value: Sendable>: Sendable {
  let value: Value
  let field: Field
}

extension Placed where Value == Duration {
  /// Nil where the field is not a duration.
  init?(_ field: Field) {
    guard let value = field.duration else { return nil }
    self.init(value: value, field: field)
  }
}
