import Bytes

/// Requests to opentelemetry.proto.collector.logs.v1.LogsService.
package enum OTLPLogs {
  /// The path of its one method.
  package static let exportPath = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

  /// The ExportLogsServiceRequest for a batch, encoded: {resource_logs=1: ResourceLogs {resource=1,
  /// scope_logs=2: ScopeLogs {scope=1, log_records=2}}}. The records stay in their order.
  package static func request(
    _ batch: ShipBatch, resource: OTLPResource, observedNanoseconds: UInt64
  ) -> [UInt8] {
    // Written from the end to the beginning, because the lengths of the messages around the records
    // depend on theirs.
    var writer = WireWriter()
    for line in batch.lines.reversed() {
      let end = writer.mark
      OTLPLogRecord(line).encode(into: &writer, observedNanoseconds: observedNanoseconds)
      writer.close(2, since: end)
    }
    resource.encodeScope(1, into: &writer)
    writer.close(2, since: 0)
    resource.encode(1, into: &writer)
    writer.close(1, since: 0)
    return writer.bytes
  }
}
