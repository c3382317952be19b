import Bytes
import Ledger
import Testing

@testable import Gateway

/// A key that is revoked is nobody's, whatever the policy calls it.
struct RevocationTests {
  private static func revoked(_ keys: String...) -> Revocations {
    Revocations(
      keys.map { key in
        Revocation(
          tenant: "t", keyID: "k",
          keyHash: Revocation.hash(ofDigest: SHA256.digest(of: Array(key.utf8).span)))
      })
  }

  private static func isKnown(_ key: String, _ policy: CompiledPolicy) -> Bool {
    Identification(policy: policy, nowSeconds: testNowSeconds, insistsOnClaims: false)
      .identity(ofKey: Array(key.utf8).span) != nil
  }

  @Test func `only the revoked key is refused, and its digest is not its hash`() throws {
    let snapshot = try TestGateway.load(testPolicy())
    let all = CompiledPolicy(snapshot)
    #expect(["key-one", "key-two", "key-three"].allSatisfy { Self.isKnown($0, all) })
    let policy = CompiledPolicy(snapshot, revoked: Self.revoked("key-one", "key-three"))
    #expect(!Self.isKnown("key-one", policy) && !Self.isKnown("key-three", policy))
    #expect(Self.isKnown("key-two", policy))
    let digest = SHA256.digest(of: Array("key-one".utf8).span)
    #expect(Revocation.hash(ofDigest: digest) != digest)
  }

  @Test func `another name, another tenant and a new policy do not bring it back`() throws {
    let text = testPolicy().replacing("id: \"one\"", with: "id: \"uno\"")
    let policy = CompiledPolicy(try TestGateway.load(text), revoked: Self.revoked("key-one"))
    #expect(!Self.isKnown("key-one", policy))
    let moved = testPolicy().replacing(keyDigest("key-three"), with: keyDigest("key-gone"))
      .replacing(keyDigest("key-one"), with: keyDigest("key-three"))
    let other = CompiledPolicy(try TestGateway.load(moved), revoked: Self.revoked("key-three"))
    #expect(!Self.isKnown("key-three", other) && Self.isKnown("key-gone", other))
  }

  @Test func `an exchange with it is 401, and what ext_authz found is looked up again`() throws {
    let gateway = try TestGateway()
    let snapshot = gateway.loop.policy.snapshot
    gateway.loop.use(CompiledPolicy(snapshot, revoked: Self.revoked("key-one")))
    let stream = gateway.process()
    let replies = stream.send(EnvoyMessage.requestHeaders(EnvoyMessage.headers()))
    #expect(replies[0].immediateStatus == 401)
    gateway.loop.use(CompiledPolicy(snapshot, revoked: Self.revoked("key-two")))
    let next = gateway.process()
    #expect(
      next.send(EnvoyMessage.requestHeaders(EnvoyMessage.headers()))[0].immediateStatus == nil)
  }

  @Test func `undoing takes exactly that one out`() {
    var revocations = Self.revoked("a", "b")
    let undone = Revocation(
      tenant: "x", keyID: "y",
      keyHash: Revocation.hash(ofDigest: SHA256.digest(of: Array("a".utf8).span)), isUndone: true)
    revocations.apply(undone)
    #expect(revocations.count == 1)
    #expect(!revocations.contains(digest: SHA256.digest(of: Array("a".utf8).span)))
    #expect(revocations.contains(digest: SHA256.digest(of: Array("b".utf8).span)))
    #expect(Revocations(revocations.all) == revocations)
  }
}
