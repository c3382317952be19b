import Bytes
import Ledger

/// A record as opentelemetry.proto.logs.v1.LogRecord: its line is the body, its fields are the
/// attributes. Field numbers are the proto's.
struct OTLPLogRecord {
  /// SeverityNumber.
  enum Severity: UInt64 {
    case info = 9
    case warning = 13
    case error = 17

    /// SeverityText: the level's short name, as the proto has it.
    var text: String {
      switch self {
      case .info: "INFO"
      case .warning: "WARN"
      case .error: "ERROR"
      }
    }
  }

  let line: LedgerTail.Line
  private let members: [JSONValue.Member]

  init(_ line: LedgerTail.Line) {
    self.line = line
    members = Self.members(line)
  }

  /// The record's fields; of a checkpoint, which may be very long, those that are no list. None where
  /// the line is not the ledger's JSON: then the body must do.
  private static func members(_ line: LedgerTail.Line) -> [JSONValue.Member] {
    let bytes = line.head.type == "checkpoint" ? withoutLists(line.bytes) : line.bytes
    guard case .object(let members)? = try? LedgerFormat.json(bytes) else { return [] }
    return members
  }

  private static let firstList = Array(",\"counters\":[".utf8)
  private static let lastField = Array(",\"hash\":\"".utf8)
  /// `,"hash":"`, 64 digits, `"}`.
  private static let endBytes = lastField.count + 64 + 2

  /// A checkpoint's line without its counters and open exchanges, which stand between `previous_hash`
  /// and `hash`.
  private static func withoutLists(_ line: [UInt8]) -> [UInt8] {
    let end = line.suffix(endBytes)
    guard end.count == endBytes, end.starts(with: lastField),
      let lists = line.prefix(headBytes).firstRange(of: firstList)
    else { return line }
    return Array(line[..<lists.lowerBound]) + Array(end)
  }

  /// What stands before a checkpoint's counters is shorter.
  private static let headBytes = 512

  func encode(into writer: inout ProtobufWriter, observedNanoseconds: UInt64) {
    // Lines are not verified here: a damaged year may be later than nanoseconds reach. 0 is unknown.
    let time = UInt64(max(0, line.head.timeMs)).multipliedReportingOverflow(by: 1_000_000)
    writer.fixed64(1, time.overflow ? 0 : time.partialValue)
    writer.field(2, severity.rawValue)
    writer.field(3, severity.text)
    writer.field(5, OTLPValue.text(line.bytes))
    for member in members {
      guard let value = Self.value(of: member) else { continue }
      writer.field(6, OTLPValue.keyValue(member.name, value))
    }
    if let trace = text("traceparent").flatMap({ TraceParent(Array($0.utf8).span) }) {
      writer.fixed32(8, UInt32(trace.flags))
      writer.field(9, trace.traceID)
      writer.field(10, trace.spanID)
    }
    writer.fixed64(11, observedNanoseconds)
    writer.field(12, "tollgate.\(line.head.type)")
  }

  /// An amount of money has one type, whether it is a whole number or not: receivers index by it.
  private static func value(of member: JSONValue.Member) -> [UInt8]? {
    if member.name == "estimated_cost_usd", case .number(let text) = member.value {
      return OTLPValue.double(text)
    }
    return OTLPValue.any(member.value)
  }

  var severity: Severity {
    switch line.head.type {
    case "admission": text("decision") == "deny" ? .warning : .info
    case "denials", "clock": .warning
    case "completion":
      switch text("end_reason") {
      case "complete": .info
      case "failed": .error
      default: .warning
      }
    case "repair", "drop": .error
    default: .info
    }
  }

  private func text(_ name: String) -> String? {
    guard case .string(let text)? = members.first(where: { $0.name == name })?.value else {
      return nil
    }
    return text
  }
}
