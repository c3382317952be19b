/// The keys of the dynamic metadata namespace `tollgate`: what a decision leaves for the access log and
/// for ext_proc behind ext_authz.
enum MetadataKey {
  static let namespace: StaticString = "tollgate"
  static let tenant: StaticString = "tenant"
  static let subject: StaticString = "subject"
  static let keyID: StaticString = "key_id"
  static let model: StaticString = "model"
  static let modelRoute: StaticString = "model_route"
  static let trafficClass: StaticString = "class"
  static let stream: StaticString = "stream"
  static let requestID: StaticString = "request_id"
  static let decision: StaticString = "decision"
  static let reason: StaticString = "reason"
  static let allow: StaticString = "allow"
  static let deny: StaticString = "deny"
}
