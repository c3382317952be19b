import Terms

/// What the fields that may bound an answer said, each by itself: only the model tells which of them
/// are its bounds.
package struct BoundReadings: Sendable, Equatable {
  /// What one field said.
  package struct Reading: Sendable, Equatable {
    /// The value where it is an integer from 1 to 2³¹.
    package var tokens: Int? = nil
    /// The place of the value, null included.
    package var range: Range<Int>? = nil
    /// Given twice, or in a spelling that only some servers take for it.
    var isRepeated = false
    /// Neither null nor such an integer.
    var isInvalid = false
    /// The same, and not 0 or negative either: as a bound of another server's it may mean anything.
    var isUnreadable = false
  }

  /// As many as there are `BoundField`s.
  static let count = 6

  var readings = InlineArray<6, Reading>(repeating: Reading())
  /// The most that fields which never bind ask for, and those in `extra_body`; 0 for nothing.
  var elsewhere = 0
  /// Whether one of those has a value that cannot be read.
  var isUnreadableElsewhere = false

  package static func == (left: BoundReadings, right: BoundReadings) -> Bool {
    left.elsewhere == right.elsewhere && left.isUnreadableElsewhere == right.isUnreadableElsewhere
      && left.readings.indices.allSatisfy { left.readings[$0] == right.readings[$0] }
  }

  /// What a field said.
  package subscript(field: BoundField) -> Reading {
    field.key.boundIndex.map { readings[$0] } ?? Reading()
  }
}

extension RequestFacts {
  /// The bound in tokens that the client stated in the fields that count, the larger of several; nil
  /// where it stated none. A field that is repeated or has another value than an integer from 1 to 2³¹ is
  /// refused; of several, the first of `fields`.
  package func statedBound(in fields: [BoundField]) throws(BodyProblem) -> Int? {
    var stated: Int?
    for field in fields {
      let reading = bounds[field]
      if reading.isRepeated { throw .duplicateKey(field.key) }
      if reading.isInvalid { throw .invalidValue(field.key) }
      if let tokens = reading.tokens { stated = max(stated ?? 0, tokens) }
    }
    return stated
  }

  /// The most tokens that any other field asks for, which some server may follow; nil for none.
  /// `unreadable` stands for a value that cannot be read.
  package func raisedBound(beside fields: [BoundField], unreadable: Int) -> Int? {
    var raised = bounds.isUnreadableElsewhere ? max(bounds.elsewhere, unreadable) : bounds.elsewhere
    for index in bounds.readings.indices {
      let reading = bounds.readings[index]
      guard reading.tokens != nil || reading.isUnreadable,
        !fields.contains(where: { $0.key.boundIndex == index })
      else { continue }
      raised = max(raised, reading.tokens ?? 0, reading.isUnreadable ? unreadable : 0)
    }
    return raised > 0 ? raised : nil
  }
}
