import Ledger

/// Requests to opentelemetry.proto.collector.logs.v1.LogsService.
package enum OTLPLogs {
  /// The path of its one method.
  package static let exportPath = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

  /// The ExportLogsServiceRequest for a batch, encoded.
  package static func request(
    _ batch: ShipBatch, resource: OTLPResource, observedNanoseconds: UInt64
  ) -> [UInt8] {
    // The LogRecords come first, because the lengths of the messages around them depend on theirs.
    var records = ProtobufWriter()
    records.reserve(batch.byteCount * 3)
    var record = ProtobufWriter()
    for line in batch.lines {
      record.removeAll()
      OTLPLogRecord(line).encode(into: &record, observedNanoseconds: observedNanoseconds)
      records.field(2, record.bytes)
    }
    let scope = resource.encodedScope
    let identity = resource.encoded
    let scopeLogsBytes = ProtobufWriter.fieldBytes(scope.count) + records.bytes.count
    let resourceLogsBytes =
      ProtobufWriter.fieldBytes(identity.count) + ProtobufWriter.fieldBytes(scopeLogsBytes)
    var request = ProtobufWriter()
    request.reserve(resourceLogsBytes + 16)
    request.open(1, byteCount: resourceLogsBytes)
    request.field(1, identity)
    request.open(2, byteCount: scopeLogsBytes)
    request.field(1, scope)
    request.raw(records.bytes)
    return request.bytes
  }
}
