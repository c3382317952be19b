/// Why a body cannot be admitted. Carries places and known names, never the body's text.
///
/// A body that is not JSON (or not a form) is always said to be that, whatever else is wrong with
/// it; among the other problems the first in the order of the bytes decides. So the answer does not
/// depend on how the body was cut.
package enum BodyProblem: Error, Equatable, Sendable {
  /// Not a JSON text by RFC 8259, or one that is not taken here; `offset` is the byte that shows it.
  case invalidJSON(offset: Int, reason: Reason)
  /// A key given twice, or spelled so that only some parsers would take it for the known one.
  case duplicateKey(InspectedKey)
  /// A value of the wrong type or outside its range.
  case invalidValue(InspectedKey)
  /// A multipart body without its form, boundary or end.
  case invalidMultipart(offset: Int)

  /// What is wrong with the text.
  package enum Reason: Sendable, Equatable {
    /// A byte that cannot stand there.
    case syntax
    /// Not UTF-8 (RFC 3629).
    case encoding
    /// A byte order mark in front (RFC 8259, 8.1).
    case byteOrderMark
    /// More containers inside each other than `RequestScanner.Limits.depthMax`.
    case depth
    /// A value that is not an object.
    case notAnObject
    /// The end came too early; an empty body too.
    case truncated
    /// Something after the object.
    case trailingData
  }
}
