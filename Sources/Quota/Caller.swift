/// Who makes a request: selects the counter of each limit that is counted by tenant, key or
/// subject.
package struct Caller: Sendable {
  /// The tenant's name in the policy.
  package let tenant: String
  /// The API key's id. Nil for a caller that was identified in another way: all such callers of a
  /// tenant share one counter of a limit with scope `key`.
  package let keyID: String?
  /// The caller inside of the tenant, such as `svc:agent-platform`.
  package let subject: String

  package init(tenant: String, keyID: String?, subject: String) {
    self.tenant = tenant
    self.keyID = keyID
    self.subject = subject
  }
}
