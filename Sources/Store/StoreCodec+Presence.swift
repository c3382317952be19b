import Quota
import Redis

extension StoreCodec {
  /// A replica states that it lives. `isStarting`: in the first such calls of its process, until one
  /// is answered.
  package static func presenceCall(
    by caller: StoreCaller, name: String, revision: String, isStarting: Bool
  ) -> RedisCall {
    var arguments = Arguments()
    arguments.add(caller.holder.ledger)
    arguments.add(caller.holder.start)
    arguments.add(caller.nonceDigits)
    arguments.add(isStarting ? 1 : 0)
    arguments.add(caller.leaseMilliseconds)
    arguments.add(word(revision))
    arguments.add(cut(name, to: StoreLimit.nameBytesMax))
    return RedisCall(
      StoreScripts.presence, keys: [StoreKeys.replicas], arguments: arguments.list)
  }

  package static func presenceAnswer(
    _ value: RESPValue, to caller: StoreCaller
  ) throws(StoreFailure) -> PresenceAnswer {
    var numbers = try AnswerNumbers(value, version: version)
    let code = try numbers.next(0...2)
    let start = try numbers.next(1...numberMax)
    let storeMs = try numbers.next(1...numberMax)
    let isComplete = try numbers.flag()
    if code != 0 {
      guard numbers.isAtEnd, start >= caller.holder.start else { throw .notOurs }
      return code == 1 ? .renumbered(start: start) : .fenced(start: start)
    }
    var replicas: [FleetView.Replica] = []
    while !numbers.isAtEnd && replicas.count <= StoreLimit.replicasMax {
      replicas.append(try numbers.replica(storeMs))
    }
    // We have just been heard.
    guard numbers.isAtEnd, start == caller.holder.start,
      replicas.contains(where: { $0.holder == caller.holder })
    else { throw .notOurs }
    replicas.sort { $0.holder.ledger < $1.holder.ledger }
    return .alive(FleetView(replicas: replicas, isComplete: isComplete))
  }

  /// A revision without spaces, at most as long as the script takes.
  private static func word(_ text: String) -> String {
    let bytes = text.utf8.prefix(StoreLimit.revisionBytesMax).map {
      (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?")
    }
    return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
  }

  /// As many whole characters as fit.
  private static func cut(_ text: String, to most: Int) -> String {
    var kept = ""
    var bytes = 0
    for character in text {
      bytes += character.utf8.count
      guard bytes <= most else { break }
      kept.append(character)
    }
    return kept
  }
}

extension AnswerNumbers {
  fileprivate mutating func replica(_ storeMs: Int64) throws(StoreFailure) -> FleetView.Replica {
    let ledger = try text()
    let start = try next(1...StoreCodec.numberMax)
    let heardMs = try next(0...StoreCodec.numberMax)
    let revision = try text()
    let name = try text()
    guard ledger.utf8.count == 32 else { throw .notOurs }
    return FleetView.Replica(
      holder: Holder(ledger: ledger, start: start), name: name, revision: revision,
      heardMs: heardMs)
  }
}
