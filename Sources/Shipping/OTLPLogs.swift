import Bytes

/// opentelemetry.proto.collector.logs.v1.LogsService.
package enum OTLPLogs {
  /// Its one method.
  package static let exportPath = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

  /// ExportLogsServiceRequest {resource_logs=1: ResourceLogs {resource=1, scope_logs=2: ScopeLogs
  /// {scope=1, log_records=2}}} of a batch, whose records stay in their order.
  package static func request(
    _ batch: ShipBatch, resource: OTLPResource, observedNanoseconds: UInt64
  ) -> [UInt8] {
    // From the end to the beginning, so that the lengths around the records are known.
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
