/// One file of the ledger, named for the `seq` of its first record.
package struct Segment: Equatable, Sendable {
  /// The `seq` of its first record, which is its checkpoint.
  package let firstSeq: Int64

  package init(firstSeq: Int64) { self.firstSeq = firstSeq }

  /// The file's name, such as `00000000000000000001.jsonl`.
  package var name: String {
    let digits = String(firstSeq)
    return String(repeating: "0", count: 20 - digits.count) + digits + ".jsonl"
  }

  /// The segment with that file name; nil where it is not the name of a segment.
  package init?(name: String) {
    guard name.utf8.count == 26, name.hasSuffix(".jsonl"),
      name.utf8.prefix(20).allSatisfy({ (0x30...0x39).contains($0) }),
      let seq = Int64(name.prefix(20)), LedgerFormat.seqs.contains(seq)
    else { return nil }
    firstSeq = seq
  }

  /// Every segment of a ledger, oldest first.
  package static func list(_ files: any LedgerFiles) throws(LedgerFault) -> [Segment] {
    try files.names().compactMap(Segment.init(name:)).sorted { $0.firstSeq < $1.firstSeq }
  }
}
