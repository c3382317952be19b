/// Why a request body is refused. Carries offsets and known key names, never the body's text.
///
/// A body that is not valid JSON (or not a valid form) is always reported as that, whatever else is
/// wrong with it; of the other problems, the one with the lowest offset is reported. So the answer
/// does not depend on how the body was cut into chunks. What is wrong with a bound comes after all that:
/// see `RequestFacts.statedBound`.
package enum BodyProblem: Error, Equatable, Sendable {
  /// Not a JSON text by RFC 8259, or one that is not accepted here; `offset` is the first byte at
  /// which that can be seen.
  case invalidJSON(offset: Int, reason: Reason)
  /// A key given twice, or spelled so that only some parsers would take it for the known one.
  case duplicateKey(InspectedKey)
  /// A value of the wrong type or outside its range.
  case invalidValue(InspectedKey)
  /// A multipart body that breaks the form syntax or ends before its closing delimiter; `offset` is
  /// the first byte at which that can be seen.
  case invalidMultipart(offset: Int)

  /// What is wrong with the text.
  package enum Reason: Sendable, Equatable {
    /// A byte that JSON does not allow at this position.
    case syntax
    /// Not UTF-8 (RFC 3629).
    case encoding
    /// A byte order mark in front (RFC 8259, 8.1).
    case byteOrderMark
    /// Objects and arrays nested deeper than `RequestScanner.Limits.depthMax`.
    case depth
    /// The top-level value is not an object.
    case notAnObject
    /// The body ends inside the JSON text, or is empty.
    case truncated
    /// Something other than whitespace follows the top-level object.
    case trailingData
  }
}
