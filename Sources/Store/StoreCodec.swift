import Quota
import Redis

/// Statements as calls of a script, and its answers as ours. Nothing that is not exactly an answer of
/// the script's becomes one.
package enum StoreCodec {
  /// The largest number that the scripts take: Lua's are doubles.
  package static let numberMax: Int64 = 1 << 53 - 1
  /// The first number of each answer: which version of the scripts gave it.
  static let version: Int64 = 1

  package static func stateCall(_ call: StatementCall, by caller: StoreCaller) -> RedisCall {
    var keys = [StoreKeys.marker(call.partition), StoreKeys.opening(call.partition)]
    // Who lives matters for an opening only: it is said with what completes the claim.
    let expected = call.isWhole ? caller.holder.named(of: caller.alive) : []
    var arguments = Arguments()
    arguments.add(caller.runID)
    arguments.add(caller.holder.ledger)
    arguments.add(caller.holder.start)
    arguments.add(caller.nonceDigits)
    arguments.add(caller.leaseMilliseconds)
    arguments.add(Int64(min(caller.alive.count, StoreLimit.replicasMax)))
    arguments.add(call.isWhole ? 1 : 0)
    arguments.add(call.openingMs.map { String($0) } ?? "")
    arguments.add(Int64(expected.count))
    for holder in expected { arguments.add(holder.ledger) }
    for statement in call.statements {
      keys.append(StoreKeys.counter(statement.key))
      arguments.add(statement)
    }
    return RedisCall(StoreScripts.state, keys: keys, arguments: arguments.list)
  }

  package static func stateAnswer(
    _ value: RESPValue, to call: StatementCall
  ) throws(StoreFailure) -> StatementCallAnswer {
    var numbers = try AnswerNumbers(value, version: version)
    guard numbers.count == 6 + 10 * call.statements.count else { throw .notOurs }
    let storeMs = try numbers.next(1...numberMax)
    let isOpen = try numbers.flag()
    let isClaimed = try numbers.flag()
    let claimed = try numbers.next(0...numberMax)
    let expected = try numbers.next(0...numberMax)
    let openingMs = try numbers.next(0...numberMax)
    var answers: [StatementAnswer] = []
    for statement in call.statements {
      answers.append(try numbers.answer(to: statement, isOpen: isOpen))
    }
    return StatementCallAnswer(
      storeMs: storeMs,
      state: isOpen
        ? .open
        : .opening(
          isClaimed: isClaimed, claimed: claimed, expected: expected, sinceMs: openingMs),
      openingMs: openingMs, answers: answers)
  }
}

/// Bounds that the scripts have too.
enum StoreLimit {
  static let replicasMax = 10_000
  /// Of how many replicas one answer tells.
  static let toldMax = 1_000
  static let nameBytesMax = 128
  static let revisionBytesMax = 64
}

/// The arguments of a call.
struct Arguments {
  private(set) var list: [[UInt8]] = []

  mutating func add(_ text: String) { list.append(Array(text.utf8)) }
  mutating func add(_ number: Int64) { add(String(number)) }

  mutating func add(_ statement: Statement) {
    switch statement.shape {
    case .budget(let start, let end, let settled):
      add("budget")
      for number in [statement.amount, start, end, settled] { add(number) }
    case .bucket(let capacity, let period):
      add("bucket")
      for number in [statement.amount, capacity, period] { add(number) }
    case .slots:
      add("slots")
      add(statement.amount)
    }
    for number in [
      statement.number, statement.hold, statement.unspent, statement.need, statement.want,
    ] { add(number) }
    add(statement.seen.map { String($0.sum) } ?? "")
    add(statement.seen.map { String($0.atMs) } ?? "")
  }
}

/// The numbers of an answer, one after the other, each within what it may be.
struct AnswerNumbers {
  private let elements: [RESPValue]
  private var position = 1

  /// How many follow the version.
  var count: Int { elements.count - 1 }

  init(_ value: RESPValue, version: Int64) throws(StoreFailure) {
    if case .error(let error) = value { throw .error(error) }
    guard case .list(let elements) = value, elements.first == .integer(version) else {
      throw .notOurs
    }
    self.elements = elements
  }

  mutating func next(_ range: ClosedRange<Int64>) throws(StoreFailure) -> Int64 {
    guard position < elements.count, case .integer(let number) = elements[position],
      range.contains(number)
    else { throw .notOurs }
    position += 1
    return number
  }

  mutating func flag() throws(StoreFailure) -> Bool { try next(0...1) == 1 }

  mutating func text() throws(StoreFailure) -> String {
    guard position < elements.count, case .string(let bytes) = elements[position] else {
      throw .notOurs
    }
    position += 1
    return String(decoding: bytes, as: UTF8.self)
  }

  var isAtEnd: Bool { position == elements.count }

  fileprivate mutating func answer(
    to statement: Statement, isOpen: Bool
  ) throws(StoreFailure) -> StatementAnswer {
    let most = StoreCodec.numberMax
    let outcome = try outcome(of: statement, isOpen: isOpen)
    let sum = try next(-most...most)
    let settled = try next(0...most)
    let settledBefore = try next(0...settled)
    let ownSettled = try next(0...settled)
    let start = try next(0...most)
    let end = try next(start...most)
    return StatementAnswer(
      outcome: outcome, sum: sum, settled: settled, settledBefore: settledBefore,
      ownSettled: ownSettled, window: (start, end), holders: try next(0...most),
      isShort: try flag())
  }

  private mutating func outcome(
    of statement: Statement, isOpen: Bool
  ) throws(StoreFailure) -> StatementAnswer.Outcome {
    let code = try next(0...6)
    let value = try next(0...StoreCodec.numberMax)
    switch code {
    // Less than is needed is no grant, more than was asked for is none of ours, and a partition that
    // is not open grants nothing.
    case 0 where isOpen && statement.need <= value && value <= statement.want:
      return .granted(value)
    case 1 where isOpen && statement.need > 0: return .short(waitMilliseconds: value)
    case 2 where isOpen && statement.need > 0: return .otherShort
    case 3 where !isOpen: return .opening
    case 4: return .stale
    case 5 where value > 0: return .fenced(start: value)
    case 6:
      if case .budget = statement.shape { return .otherWindow }
      throw .notOurs
    default: throw .notOurs
    }
  }
}
