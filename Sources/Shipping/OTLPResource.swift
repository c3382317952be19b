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

  /// opentelemetry.proto.resource.v1.Resource.
  var encoded: [UInt8] {
    var writer = ProtobufWriter()
    let attributes = [
      ("service.name", "tollgate"), ("service.version", version),
      ("service.instance.id", instanceID),
    ]
    for (name, value) in attributes {
      writer.field(1, OTLPValue.keyValue(name, OTLPValue.string(value)))
    }
    return writer.bytes
  }

  /// opentelemetry.proto.common.v1.InstrumentationScope.
  var encodedScope: [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, "tollgate.ledger")
    writer.field(2, version)
    return writer.bytes
  }
}
