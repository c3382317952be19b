import Bytes

/// Which ledger this is, and which start of it. A store that replicas share knows a replica by it: so
/// it is on disk before anything is asked of a store.
package struct LedgerIdentity: Hashable, Sendable {
  /// The largest number of a start that is written or read. Numbers in a store are below 2⁵³.
  package static let startMax: Int64 = 1 << 53 - 1

  /// 128 random bits as 32 hexadecimal digits in lower case, made with the ledger.
  package let id: String
  /// Counts the starts, from 1.
  package let start: Int64

  package init(id: String, start: Int64) {
    self.id = id
    self.start = start
  }

  /// The first start of a new ledger, or of one that never had an id.
  package static func made() -> LedgerIdentity {
    var random = SystemRandomNumberGenerator()
    var bytes: [UInt8] = []
    for _ in 0..<16 { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    return LedgerIdentity(id: Hex.string(of: bytes), start: 1)
  }

  /// The start after this one. Nothing comes after the last number: then the ledger begins a new id.
  package var next: LedgerIdentity {
    start < Self.startMax ? LedgerIdentity(id: id, start: start + 1) : .made()
  }

  /// As records name a replica: the id, `/`, and the start's number.
  package var text: String { "\(id)/\(start)" }

  /// Reads what `text` writes; nil where it is not that.
  package init?(text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let start = Int64(parts[1]) else { return nil }
    self.init(id: String(parts[0]), start: start)
    guard isWellFormed, self.text == text else { return nil }
  }

  /// Whether a ledger can have it.
  var isWellFormed: Bool {
    (1...Self.startMax).contains(start) && id.utf8.count == 32
      && id.utf8.allSatisfy { Hex.lowercaseValue($0) != nil }
  }
}
