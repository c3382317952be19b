import Bytes

/// Who ships: the resource and scope of every OTLP request.
package struct OTLPResource: Equatable, Sendable {
  /// `service.version`.
  package var version: String
  /// `service.instance.id`: stays with the ledger.
  package var instanceID: String

  package init(version: String, instanceID: String) {
    self.version = version
    self.instanceID = instanceID
  }

  /// A field that holds opentelemetry.proto.resource.v1.Resource.
  func encode(_ field: Int, into writer: inout WireWriter) {
    let end = writer.mark
    writer.keyValue(1, "service.instance.id", .string(instanceID))
    writer.keyValue(1, "service.version", .string(version))
    writer.keyValue(1, "service.name", .string("tollgate"))
    writer.close(field, since: end)
  }

  /// A field that holds opentelemetry.proto.common.v1.InstrumentationScope.
  func encodeScope(_ field: Int, into writer: inout WireWriter) {
    let end = writer.mark
    writer.text(2, version)
    writer.text(1, "tollgate.ledger")
    writer.close(field, since: end)
  }
}
