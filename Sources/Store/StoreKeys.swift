import Quota
import Redis

/// The names of the store's keys. What stands in braces decides, in a cluster, on which server a key
/// is: all of a partition are on one.
package enum StoreKeys {
  static func marker(_ partition: Int) -> [UInt8] { Array("\(tag(partition)):open".utf8) }
  static func opening(_ partition: Int) -> [UInt8] { Array("\(tag(partition)):opening".utf8) }
  static func counter(_ key: SharedKey) -> [UInt8] { Array("\(tag(key.partition)):\(key.id)".utf8) }

  static let replicas = Array("tollgate:replicas".utf8)
  /// All that is kept of who lives: the list, when each was heard last, the numbers of the changes.
  static let presence = [
    replicas, Array("{tollgate:replicas}:heard".utf8), Array("{tollgate:replicas}:changed".utf8),
  ]

  static func response(_ id: String) -> [UInt8] { Array("tollgate:response:\(id)".utf8) }

  /// The slots of a cluster that a partition's keys, and the key of who lives, are in.
  package static func slot(ofPartition partition: Int) -> Int { HashSlot.of(marker(partition)) }
  package static let presenceSlot = HashSlot.of(replicas)

  private static func tag(_ partition: Int) -> String {
    "{tollgate:\(partition < 10 ? "0" : "")\(partition)}"
  }
}
