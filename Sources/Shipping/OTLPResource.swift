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

  /// The opentelemetry.proto.resource.v1.Resource, encoded.
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

  /// The opentelemetry.proto.common.v1.InstrumentationScope, encoded.
  var encodedScope: [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1, "tollgate.ledger")
    writer.field(2, version)
    return writer.bytes
  }
}
