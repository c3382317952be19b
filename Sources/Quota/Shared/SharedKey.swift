/// Which counter of the store a statement is about.
package struct SharedKey: Hashable, Sendable {
  /// How many partitions the store's counters are divided into. All counters of one owner (a tenant
  /// with its keys, its subjects and its slots in each class; a group; a global limit) are in one partition,
  /// so that one call asks for all of them together, and in a cluster they are on one server.
  package static let partitions = 64

  /// From 0, below `partitions`.
  package let partition: Int
  /// 32 hexadecimal digits: a hash of the counter's name and of what it counts. A limit that counts
  /// something else under the same name has another.
  package let id: String

  package init(partition: Int, id: String) {
    self.partition = partition
    self.id = id
  }
}

/// Who states: a ledger, not a process and not a name. Two replicas of one name are two holders, and
/// one process that goes on with its ledger after a restart is the same holder.
package struct Holder: Hashable, Sendable {
  /// The ledger's id: 32 hexadecimal digits.
  package let ledger: String
  /// How often the ledger was started. Of two processes with one ledger, the higher number's word
  /// counts.
  package let start: Int64

  package init(ledger: String, start: Int64) {
    self.ledger = ledger
    self.start = start
  }
}
