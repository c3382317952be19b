import Quota
import Redis

extension StoreCodec {
  /// A replica states that it lives. `isStarting`: in the first such calls of its process, until one
  /// is answered. `told`: up to which change this process has been told who lives.
  package static func presenceCall(
    by caller: StoreCaller, name: String, revision: String, isStarting: Bool,
    told: FleetMirror.Told
  ) -> RedisCall {
    var arguments = Arguments()
    arguments.add(caller.holder.ledger)
    arguments.add(caller.holder.start)
    arguments.add(caller.nonceDigits)
    arguments.add(isStarting ? 1 : 0)
    arguments.add(caller.leaseMilliseconds)
    arguments.add(word(revision))
    arguments.add(cut(name, to: StoreLimit.nameBytesMax))
    arguments.add(told.listMs)
    arguments.add(told.version)
    return RedisCall(
      StoreScripts.presence, keys: StoreKeys.presence, arguments: arguments.list)
  }

  package static func presenceAnswer(
    _ value: RESPValue, to caller: StoreCaller
  ) throws(StoreFailure) -> PresenceAnswer {
    var numbers = try AnswerNumbers(value, version: version)
    let code = try numbers.next(0...2)
    let start = try numbers.next(1...numberMax)
    _ = try numbers.next(1...numberMax)
    if code != 0 {
      guard numbers.isAtEnd, start >= caller.holder.start else { throw .notOurs }
      return code == 1 ? .renumbered(start: start) : .fenced(start: start)
    }
    // We have just been heard.
    guard start == caller.holder.start else { throw .notOurs }
    let isOld = try numbers.flag()
    let listMs = try numbers.next(1...numberMax)
    let version = try numbers.next(1...numberMax)
    let told = try numbers.next(0...version)
    let isAnew = try numbers.flag()
    let count = try numbers.next(1...Int64(StoreLimit.replicasMax))
    var changes: [FleetChanges.Change] = []
    while !numbers.isAtEnd && changes.count < StoreLimit.toldMax {
      changes.append(try numbers.change())
    }
    guard numbers.isAtEnd else { throw .notOurs }
    return .alive(
      FleetChanges(
        told: .init(listMs: listMs, version: told), version: version, isAnew: isAnew, isOld: isOld,
        count: count, changes: changes))
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
  fileprivate mutating func change() throws(StoreFailure) -> FleetChanges.Change {
    let ledger = try text()
    let start = try next(0...StoreCodec.numberMax)
    let sinceMs = try next(0...StoreCodec.numberMax)
    let revision = try text()
    let name = try text()
    guard ledger.utf8.count == 32 else { throw .notOurs }
    guard start > 0 else { return .gone(ledger: ledger) }
    return .lives(
      FleetView.Replica(
        holder: Holder(ledger: ledger, start: start), name: name, revision: revision,
        sinceMs: sinceMs))
  }
}
