import Bytes
import Terms

/// `raises` and `warn_at`: what goes with a limit's calendar windows.
extension PolicyReading {
  /// The raises of a limit that are valid, each with its node.
  func raises(
    _ node: Node?, amount: (kind: LimitKind, value: Int64)?, per: Limit.Period?
  ) -> [(raise: Raise, node: Node)] {
    guard let node else { return [] }
    let raises = list(node, max: bounds.raisesMax, "raisesMax").compactMap { node in
      raise(node, kind: amount?.kind).map { (raise: $0, node: node) }
    }
    guard isCalendar(per, node, "a raise adds to a window's amount"), let amount else { return [] }
    let most = amount.kind == .usd ? bounds.usdMax * 1_000_000_000 : bounds.amountMax
    let sum = raises.reduce(Int128(amount.value)) { $0 + Int128($1.raise.add) }
    if sum > Int128(most) {
      log.error(
        node,
        "the limit with all of its raises is more than a limit may be "
          + (amount.kind == .usd
            ? "(\(bounds.usdMax) dollars, usdMax)" : "(\(bounds.amountMax), amountMax)")
          + "; raise it by less")
    }
    return raises
  }

  private func raise(_ node: Node, kind: LimitKind?) -> Raise? {
    guard let fields = fields(node, known: ["add", "from", "until"]) else { return nil }
    var add: Int64?
    if let addNode = fields["add"] {
      // Without a kind there is no unit; that was reported.
      add = kind.flatMap { value(addNode, kind: $0) }
    } else {
      missing(node, "add", "what the limit gives more, in its own unit")
    }
    let times = ["from", "until"].map { field in
      if let timeNode = fields[field] { return moment(timeNode) }
      missing(node, field, "a time such as \"2026-12-10T00:00:00Z\"")
      return nil
    }
    guard let from = times[0], let until = times[1] else { return nil }
    guard from < until else {
      log.error(node, "ends before it begins: `until` must be later than `from`")
      return nil
    }
    if until <= nowSeconds * 1_000 {
      log.warning(node, "this raise has ended and has no effect; remove it")
    }
    return add.map { Raise(add: $0, fromMs: from, untilMs: until) }
  }

  /// The shares in ascending order.
  func warnAt(_ node: Node?, per: Limit.Period?, isOfOneCounter: Bool) -> [WarningShare] {
    guard let node else { return [] }
    guard isCalendar(per, node, "a window's use is told of") else { return [] }
    guard isOfOneCounter else {
      log.error(
        node,
        "goes only with one counter for the whole tenant or group, not for each key or subject; "
          + "remove it")
      return []
    }
    var shares: [WarningShare] = []
    for element in list(node, max: bounds.warningsMax, "warningsMax") {
      guard let share = share(element) else { continue }
      if shares.contains(share) {
        log.error(element, "the share \(share) is given twice; keep one")
      } else {
        shares.append(share)
      }
    }
    return shares.sorted()
  }

  private func share(_ node: Node) -> WarningShare? {
    guard case .number(let number) = node.value.kind else {
      refuseKind(node, "a share of the amount such as 0.8")
      return nil
    }
    let thousandths = try? number.integer(timesTenToThe: WarningShare.places)
    guard let thousandths, (1...WarningShare.whole.thousandths).contains(thousandths) else {
      log.error(node, "must be a share from 0.001 to 1 with at most three decimals, such as 0.8")
      return nil
    }
    return WarningShare(thousandths: thousandths)
  }

  private func isCalendar(_ per: Limit.Period?, _ node: Node, _ why: String) -> Bool {
    switch per {
    case .day, .week, .month: return true
    case .second, .minute, .hour, nil:
      log.error(node, "goes only with per day, week or month: \(why); remove it")
      return false
    }
  }

  /// A moment in Unix milliseconds.
  func moment(_ node: Node) -> Int64? {
    guard case .string(let text) = node.value.kind else {
      refuseKind(node, "a time such as \"2026-12-10T00:00:00Z\"")
      return nil
    }
    guard let moment = UTCTime.moment(text) else {
      log.error(node, "must be an RFC 3339 time such as \"2026-12-10T00:00:00Z\"")
      return nil
    }
    return moment
  }
}
