/// Why a line is no record of ours.
package enum RecordProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// Not JSON as the ledger writes it, from that byte of the line on.
  case malformed(at: Int)
  case missing(String)
  case wrongValue(String)
  case unknownField(String)
  case unknownType
  case newerFormat(Int64)

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
