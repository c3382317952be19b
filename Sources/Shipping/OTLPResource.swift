import Bytes

/// What identifies the sender: the resource and the scope of every OTLP request.
package struct OTLPResource: Equatable, Sendable {
  /// `service.version`.
  package var version: String
  /// `service.instance.id`, which belongs to the ledger; see `CursorFiles.instanceID`.
  package var instanceID: String

  /// The sender with that version and id.
  package init(version: String, instanceID: String) {
    self.version = version
    self.instanceID = instanceID
  }

  /// Writes a field that is an opentelemetry.proto.resource.v1.Resource.
  func encode(_ field: Int, into writer: inout WireWriter) {
    let end = writer.mark
    writer.keyValue(1, "service.instance.id", .string(instanceID))
    writer.keyValue(1, "service.version", .string(version))
    writer.keyValue(1, "service.name", .string("tollgate"))
    writer.close(field, since: end)
  }

  /// Writes a field that is an opentelemetry.proto.common.v1.InstrumentationScope.
  func encodeScope(_ field: Int, into writer: inout WireWriter) {
    let end = writer.mark
    writer.text(2, version)
    writer.text(1, "tollgate.ledger")
    writer.close(field, since: end)
  }
}
