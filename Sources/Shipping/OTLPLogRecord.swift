import Bytes
import Ledger

/// A ledger record as opentelemetry.proto.logs.v1.LogRecord: its line is the body, its fields are
/// the attributes. The field numbers are the proto's.
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
  /// The fields of the line's JSON object.
  private let members: [JSONValue.Member]

  /// The record in that line.
  init(_ line: LedgerTail.Line) {
    self.line = line
    members = Self.members(line)
  }

  /// The record's fields. Of a checkpoint, which may be very long, the lists are left out. None
  /// where the line is not JSON as the ledger writes it: then the body alone is shipped.
  private static func members(_ line: LedgerTail.Line) -> [JSONValue.Member] {
    let bytes = line.head.type == "checkpoint" ? withoutLists(line.bytes) : line.bytes
    guard case .object(let members)? = try? LedgerFormat.json(bytes) else { return [] }
    return members
  }

  private static let firstList = Array(",\"counters\":[".utf8)
  private static let lastField = Array(",\"hash\":\"".utf8)
  /// The length of `,"hash":"`, 64 digits and `"}`.
  private static let endBytes = lastField.count + 64 + 2

  /// A checkpoint's line without its counters, open exchanges and estimates, which are between
  /// `previous_hash` and `hash`.
  private static func withoutLists(_ line: [UInt8]) -> [UInt8] {
    let end = line.suffix(endBytes)
    guard end.count == endBytes, end.starts(with: lastField),
      let lists = line.prefix(headBytes).firstRange(of: firstList)
    else { return line }
    return Array(line[..<lists.lowerBound]) + Array(end)
  }

  /// More than the length of what is before a checkpoint's counters.
  private static let headBytes = 512

  /// Writes the LogRecord's fields, from the last to the first.
  func encode(into writer: inout WireWriter, observedNanoseconds: UInt64) {
    writer.text(12, "tollgate.\(line.head.type)")
    writer.fixed64(11, observedNanoseconds)
    if let trace = text("traceparent").flatMap({ TraceParent(Array($0.utf8).span) }) {
      writer.field(10, trace.spanID)
      writer.field(9, trace.traceID)
      writer.fixed32(8, UInt32(trace.flags))
    }
    for attribute in GenAIAttributes.of(line.head.type, members).reversed() {
      writer.keyValue(6, attribute.name, attribute.value)
    }
    for member in members.reversed() {
      // Money is always a double, even where it is a whole number, because receivers index a field
      // by its type.
      if member.name == "estimated_cost_usd", case .number(let text) = member.value {
        writer.keyValue(6, member.name, double: text)
      } else {
        writer.keyValue(6, member.name, member.value)
      }
    }
    writer.value(5, text: line.bytes)
    writer.text(3, severity.text)
    writer.field(2, severity.rawValue)
    // Lines are not verified here, so a damaged time may be too large for nanoseconds; 0 means
    // unknown.
    let time = UInt64(max(0, line.head.timeMs)).multipliedReportingOverflow(by: 1_000_000)
    writer.fixed64(1, time.overflow ? 0 : time.partialValue)
  }

  /// How severe the event is that the record tells of.
  var severity: Severity {
    switch line.head.type {
    case "admission": text("decision") == "deny" ? .warning : .info
    case "denials", "clock", "threshold": .warning
    case "completion":
      switch text("end_reason") {
      case "complete": .info
      case "failed": .error
      default: .warning
      }
    case "store":
      switch text("event") {
      case "fenced": .error
      case "lost": .warning
      default: .info
      }
    // What every target has is lost to nobody.
    case "drop": text("reason") == "delivered" ? .info : .error
    case "repair": .error
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
