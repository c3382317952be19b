import Terms

/// Whose limits a list of `limits` has: of the policy, of a group, of a tenant (or its plan) or of a key.
enum LimitOwner { case everybody, group, tenant, key }

extension PolicyReading {
  private static let amounts = LimitKind.allCases.map { (field: $0.rawValue, kind: $0) }
  private static let amountList =
    amounts.dropLast().map { "`\($0.field)`" }.joined(separator: ", ")
    + (amounts.last.map { " or `\($0.field)`" } ?? "")
  private static let limitFields =
    ["name"] + amounts.map(\.field) + [
      "per", "burst", "scope", "models", "mode", "warn_at", "raises", "on_store_loss",
      "max_subjects",
    ]

  /// The limits of one owner. A name that is given twice is an error; global limits, which several files
  /// may have, are checked later.
  func limits(_ node: Node?, owner: LimitOwner, maxSubjects: Int) -> [LimitDraft] {
    let drafts = list(node, max: bounds.limitsMax, "limitsMax").compactMap {
      limit($0, owner: owner, maxSubjects: maxSubjects)
    }
    if owner != .everybody { refuseRepeats(drafts.compactMap(\.name), "the limit") }
    return drafts
  }

  private func limit(_ node: Node, owner: LimitOwner, maxSubjects: Int) -> LimitDraft? {
    guard let fields = fields(node, known: Self.limitFields) else { return nil }
    let errorsBefore = log.errorCount
    var name: PlacedText?
    if let nameNode = fields["name"] {
      name = self.name(nameNode).map { PlacedText(text: $0, node: nameNode) }
    } else {
      missing(node, "name", "the limit's name, which refusals and metrics show")
    }
    let models = fields["models"].map(patterns)
    let amount = amount(fields)
    let per = period(fields, kind: amount?.kind)
    let burst = burst(fields, kind: amount?.kind, per: per)
    let scope = scope(fields, owner: owner)
    var subjects = maxSubjects
    if let node = fields["max_subjects"] {
      if scope == .tenant || owner == .key {
        log.error(node, "goes only with scope \"key\" or \"subject\"; remove it")
      }
      subjects = integer(node, in: bounds.subjects) ?? maxSubjects
    }
    let onStoreLoss = fields["on_store_loss"].flatMap(storeLoss)
    let mode = fields["mode"].flatMap { choice($0, [("enforce", false), ("shadow", true)]) }
    let raises = raises(fields["raises"], amount: amount, per: per)
    let warnAt = warnAt(fields["warn_at"], per: per, isOfOneCounter: scope == .tenant)
    var limit: Limit?
    if log.errorCount == errorsBefore, let name, let amount {
      limit = Limit(
        name: name.text, kind: amount.kind, amount: amount.value, per: per, burst: burst,
        scope: scope, models: models?.map(\.text), statedStoreLoss: onStoreLoss,
        maxSubjects: subjects)
      limit?.isShadow = mode ?? false
      limit?.raises = raises.map(\.raise)
      limit?.warnAt = warnAt
    }
    return LimitDraft(
      node: node, limit: limit, name: name, models: models, raiseNodes: raises.map(\.node))
  }

  func storeLoss(_ node: Node) -> StoreLoss? {
    choice(node, StoreLoss.allCases.map { ($0.rawValue, $0) })
  }

  private func amount(_ fields: Fields) -> (kind: LimitKind, value: Int64)? {
    let given = Self.amounts.compactMap { amount in
      fields[amount.field].map { (amount: amount, node: $0) }
    }
    guard let first = given.first else {
      log.error(fields.node, "limits nothing; add one of \(Self.amountList)")
      return nil
    }
    guard given.count == 1 else {
      log.error(
        fields.node,
        "has \(quotedList(given.map(\.amount.field))); a limit has exactly one: make it \(given.count) limits"
      )
      return nil
    }
    return value(first.node, kind: first.amount.kind).map { (first.amount.kind, $0) }
  }

  /// An amount in the unit of its kind: requests, tokens, exchanges or nano-dollars.
  func value(_ node: Node, kind: LimitKind) -> Int64? {
    switch kind {
    case .requests, .tokens, .promptTokens, .completionTokens:
      return integer(node, in: 1...bounds.amountMax)
    case .concurrent:
      return integer(node, in: bounds.concurrent).map(Int64.init)
    case .usd:
      guard case .number(let number) = node.value.kind else {
        refuseKind(node, "an amount of dollars")
        return nil
      }
      do throws(ExactDecimal.Misfit) {
        let nanos = try number.integer(timesTenToThe: 9)
        if nanos >= 1, nanos <= bounds.usdMax * 1_000_000_000 { return nanos }
      } catch .tooPrecise {
        log.error(node, "has too many decimals; write a multiple of 0.000000001 (one nano-dollar)")
        return nil
      } catch {}
      log.error(node, "must be more than 0 and at most \(bounds.usdMax) dollars (usdMax)")
      return nil
    }
  }

  private func period(_ fields: Fields, kind: LimitKind?) -> Limit.Period? {
    guard let node = fields["per"] else {
      if let kind, kind != .concurrent {
        missing(fields.node, "per", "second, minute, hour, day, week or month")
      }
      return nil
    }
    if kind == .concurrent {
      log.error(node, "has no place beside `concurrent`, which counts what runs at once; remove it")
      return nil
    }
    return choice(
      node,
      [
        ("second", Limit.Period.second), ("minute", .minute), ("hour", .hour), ("day", .day),
        ("week", .week), ("month", .month),
      ])
  }

  private func burst(_ fields: Fields, kind: LimitKind?, per: Limit.Period?) -> Int64? {
    guard let node = fields["burst"], let kind else { return nil }
    switch per {
    case .second, .minute, .hour: return value(node, kind: kind)
    case .day, .week, .month:
      log.error(node, "goes only with per second, minute or hour; a calendar budget has none")
    case nil where kind == .concurrent:
      log.error(node, "has no place beside `concurrent`; remove it")
    case nil: break
    }
    return nil
  }

  private func scope(_ fields: Fields, owner: LimitOwner) -> Limit.Scope {
    let fallback: Limit.Scope = owner == .key ? .key : .tenant
    guard let node = fields["scope"] else { return fallback }
    switch owner {
    case .tenant:
      return choice(node, [("tenant", Limit.Scope.tenant), ("key", .key), ("subject", .subject)])
        ?? fallback
    case .key:
      log.error(node, "has no place in a key's own limit, which counts that key; remove it")
    case .group:
      log.error(
        node, "has no place in a group's limit, which counts its tenants together; remove it")
    case .everybody:
      log.error(node, "has no place in a global limit, which counts everybody together; remove it")
    }
    return fallback
  }
}
