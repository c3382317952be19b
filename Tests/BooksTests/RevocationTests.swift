import Foundation
import Ledger
import Testing

@testable import Books

/// Revocations are on record and in every checkpoint.
@Suite(.timeLimit(.minutes(2))) struct RevocationTests {
  private static func revocation(_ key: String, isUndone: Bool = false) -> Revocation {
    var chain = Chain()
    var line = Array(key.utf8)
    chain.seal(&line)
    return Revocation(tenant: "a", keyID: key, keyHash: chain.head, isUndone: isUndone)
  }

  @Test(arguments: [false, true])
  func `a revoked key stays so over a crash, a checkpoint and a stop`(rotates: Bool) throws {
    let files = GatedFiles()
    let test = try TestBooks(files)
    #expect(test.books.revoked.isEmpty)
    for key in ["one", "two", "three"] {
      #expect(test.books.revoke(Self.revocation(key)) != nil)
    }
    #expect(test.books.revoke(Self.revocation("two", isUndone: true))?.count == 2)
    if rotates {
      test.books.rotate()
      while test.books.ledgerStatistics?.segmentCount == 1 { usleep(100) }
    }
    #expect(test.books.isOnRecord())
    let expected = Revocations([Self.revocation("one"), Self.revocation("three")])
    #expect(test.books.revoked == expected)
    #expect(test.books.state.revoked == expected.all)
    let crashed = try TestBooks(files.crashed())
    #expect(crashed.books.revoked == expected)
    #expect(crashed.close())
    #expect(test.close())
    let next = try TestBooks(files)
    #expect(next.books.revoked == expected)
    #expect(next.close())
    // Nothing more can be recorded, so nothing is revoked.
    #expect(next.books.revoke(Self.revocation("four")) == nil)
    #expect(next.books.revoked == expected)
  }
}
