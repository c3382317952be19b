import Bytes
import EnvoyAPI
import Policy
import Terms

/// The parts of replies that a policy fixes, encoded once: an admission copies them.
struct PreparedReplies: Sendable {
  /// By tenant: its `set_headers` entries, and its entry in the metadata.
  private let tenantHeaders: [[UInt8]]
  private let tenantMetadata: [[UInt8]]
  /// By model: those of the model and its class.
  private let modelHeaders: [[UInt8]]
  private let modelMetadata: [[UInt8]]

  init(_ policy: PolicySnapshot) {
    let set = HeaderMutationField.setHeaders
    tenantHeaders = policy.tenants.map { tenant in
      Self.encoded { writer in
        writer.setHeader(set, HeaderName.tenant, tenant.name.bytes)
        for name in HeaderName.fairnessIDs { writer.setHeader(set, name, tenant.name.bytes) }
      }
    }
    tenantMetadata = policy.tenants.map { tenant in
      Self.encoded { $0.structEntry(MetadataKey.tenant, string: tenant.name.bytes) }
    }
    modelHeaders = policy.models.map { model in
      let trafficClass = model.trafficClass
      return Self.encoded { writer in
        writer.setHeader(set, HeaderName.model, model.name.bytes)
        writer.setHeader(set, HeaderName.gatewayModelName, model.name.bytes)
        writer.setHeader(set, HeaderName.trafficClass, trafficClass.name.bytes)
        for name in HeaderName.inferenceObjectives {
          writer.setHeader(set, name, trafficClass.inferenceObjective.bytes)
        }
      }
    }
    modelMetadata = policy.models.map { model in
      Self.encoded { writer in
        writer.structEntry(MetadataKey.trafficClass, string: model.trafficClass.name.bytes)
        writer.structEntry(MetadataKey.model, string: model.name.bytes)
      }
    }
  }

  private static func encoded(_ write: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    write(&writer)
    return writer.bytes
  }

  func headers(of tenant: Tenant, _ writer: inout WireWriter) {
    writer.raw(tenantHeaders[tenant.index])
  }

  func headers(of model: Model, _ writer: inout WireWriter) {
    writer.raw(modelHeaders[model.index])
  }

  func metadata(of tenant: Tenant, _ writer: inout WireWriter) {
    writer.raw(tenantMetadata[tenant.index])
  }

  func metadata(of model: Model, _ writer: inout WireWriter) {
    writer.raw(modelMetadata[model.index])
  }
}
