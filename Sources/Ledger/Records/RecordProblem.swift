/// Why a line cannot be read as a record.
package enum RecordProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// Not JSON as the ledger writes it; the first wrong byte's offset in the line.
  case malformed(at: Int)
  /// A field that the record must have is not there.
  case missing(String)
  /// The field has a value of another type, or one that cannot be.
  case wrongValue(String)
  /// A field that this type of record does not have.
  case unknownField(String)
  /// The value of `type` is not one of `LedgerRecord.types`.
  case unknownType
  /// The format's number is larger than `LedgerFormat.number`.
  case newerFormat(Int64)

  /// The text that a `LedgerProblem` puts behind file and offset.
  package var description: String {
    switch self {
    case .malformed(let at): "not a record's JSON at byte \(at) of the line"
    case .missing(let name): "the record has no `\(name)`"
    case .wrongValue(let name): "the record's `\(name)` has a wrong value"
    case .unknownField(let name): "the record has an unknown field `\(name)`"
    case .unknownType: "a record of an unknown type"
    case .newerFormat(let number):
      "format \(number); this version reads up to \(LedgerFormat.number)"
    }
  }
}
