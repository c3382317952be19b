import Books
import Bytes
import Quota
import Redis
import Shipping
import Store

/// What is asked of the store, and what becomes of the answers.
extension StoreLoop {
  /// Who speaks to the server with that run id. Who lives, which the books sort out of all that they
  /// have seen, is asked once in a turn of the loop, and not for every call.
  private func caller(_ runID: String) -> StoreCaller? {
    guard let holder = books.holder else { return nil }
    let alive = livingInTurn ?? books.living()
    livingInTurn = alive
    return StoreCaller(
      holder: holder, nonce: nonce, runID: runID, alive: alive,
      leaseMilliseconds: settings.leaseTime.wholeMilliseconds)
  }

  // MARK: Statements

  /// Sends what is due; returns when something is due next.
  func sendStatements(_ nowMs: Int64) -> Int64? {
    let (due, next) = books.statementsDue()
    for call in due {
      if !isRegistered || isFenced || !send(call, nowMs: nowMs) {
        books.storeUnanswered(call.id)
      }
    }
    return due.isEmpty ? next : nowMs
  }

  private func send(
    _ call: StatementCallUnderWay, to other: RedisNode? = nil, isAsking: Bool = false,
    redirections: Int = 0, nowMs: Int64
  ) -> Bool {
    guard let node = other ?? map.server(of: call.call.partition), links[node]?.isReady == true,
      let caller = caller(links[node]?.runID ?? "")
    else { return false }
    lastCall += 1
    let sent = links[node]?.call(
      StoreCodec.stateCall(call.call, by: caller), id: lastCall, isAsking: isAsking, nowMs: nowMs)
    guard sent == true else { return false }
    calls[lastCall] = .statements(
      call, caller, sentNanoseconds: SystemClock.monotonicNanoseconds(), redirections: redirections)
    return true
  }

  private func answered(
    _ call: StatementCallUnderWay, _ sentNanoseconds: Int64, _ redirections: Int,
    _ value: RESPValue, _ node: RedisNode, _ nowMs: Int64
  ) {
    do throws(StoreFailure) {
      let answer = try StoreCodec.stateAnswer(value, to: call.call)
      record(SystemClock.monotonicNanoseconds() - sentNanoseconds)
      served(node, isStatement: true)
      books.storeAnswered(call.id, answer)
    } catch {
      if case .error(let error) = error,
        redirect(call, error, redirections, node, nowMs)
      {
        return
      }
      links[node]?.refused(nowMs: nowMs, jitter: jitter())
      fail(error, node, nowMs)
      books.storeUnanswered(call.id)
    }
  }

  /// The server says that another one has the partition. It has not run the call, so that this is sent
  /// to the other one. False where that is not what it says.
  private func redirect(
    _ call: StatementCallUnderWay, _ error: RedisError, _ redirections: Int, _ node: RedisNode,
    _ nowMs: Int64
  ) -> Bool {
    guard redirections < Self.redirectionsMax else { return false }
    switch error.kind(askedOf: node) {
    case .moved(let slot, let other):
      map.moved(slot: slot, to: other)
      nextGuideMs = min(nextGuideMs, nowMs)
      addLink(other)
      return send(call, to: other, redirections: redirections + 1, nowMs: nowMs)
    case .ask(_, let other):
      addLink(other)
      return send(call, to: other, isAsking: true, redirections: redirections + 1, nowMs: nowMs)
    case .noScript, .notServing, .failed: return false
    }
  }

  /// The server has answered as it should.
  private func served(_ node: RedisNode, isStatement: Bool) {
    status.problem = nil
    refusals[node] = nil
    links[node]?.served(isStatement: isStatement)
  }

  /// The words of errors that no waiting mends: the credentials, their rights, how the server is set up.
  private static let refusing: Set<String> = [
    "WRONGPASS", "NOAUTH", "NOPERM", "UNFIT", "CREDENTIALS",
  ]

  private func noteRefusal(_ word: String, _ node: RedisNode, _ reason: String) {
    if Self.refusing.contains(word) { refusals[node] = reason }
  }

  private func fail(_ failure: StoreFailure, _ node: RedisNode, _ nowMs: Int64) {
    guard case .error(let error) = failure else {
      return failed("other", failure.description)
    }
    failed(error.word, error.description)
    noteRefusal(error.word, node, "\(node) answers \(error.description)")
    guard error.kind(askedOf: node) == .notServing else { return }
    // It is no master any more, or wants another password: what it is is asked anew.
    nextGuideMs = min(nextGuideMs, nowMs)
    act(on: node, nowMs) { $0.doubt(error, nowMs: nowMs, jitter: $1) }
  }

  // MARK: Presence

  func sayPresence(_ nowMs: Int64) {
    guard nowMs >= nextPresenceMs, !presenceIsUnderWay, !isFenced, farewellByMs == nil,
      let node = map.presenceServer, links[node]?.isReady == true,
      let caller = caller(links[node]?.runID ?? "")
    else {
      if nowMs >= nextPresenceMs { nextPresenceMs = nowMs + 50 }
      return
    }
    nextPresenceMs = nowMs + Self.presenceInterval
    lastCall += 1
    let call = StoreCodec.presenceCall(
      by: caller, name: settings.replica, revision: revision(), isStarting: !isRegistered,
      told: mirror.told)
    guard links[node]?.call(call, id: lastCall, nowMs: nowMs) == true else { return }
    calls[lastCall] = .presence(caller)
    presenceIsUnderWay = true
  }

  private func answered(
    presence value: RESPValue, to caller: StoreCaller, _ node: RedisNode, _ nowMs: Int64
  ) {
    presenceIsUnderWay = false
    do throws(StoreFailure) {
      switch try StoreCodec.presenceAnswer(value, to: caller) {
      case .alive(let changes):
        let view = mirror.take(changes)
        isRegistered = true
        served(node, isStatement: false)
        books.fleet(view)
        livingInTurn = nil
      case .renumbered(let start):
        // Asked again at once, by the new number, which is on disk by then.
        if books.renumber(to: start) { nextPresenceMs = nowMs }
      case .fenced(let start):
        // A start may take the place of a process that is gone, once that was silent for the lease's
        // time: so long it asks.
        if !isRegistered, nowMs < startedMs + settings.leaseTime.wholeMilliseconds + Self.fenceDelay
        {
          return
        }
        isFenced = true
        books.fenced(by: start)
        fenced()
      }
    } catch {
      if case .error(let error) = error,
        case .moved(let slot, let other) = error.kind(askedOf: node)
      {
        map.moved(slot: slot, to: other)
        addLink(other)
        nextPresenceMs = nowMs
        return
      }
      fail(error, node, nowMs)
    }
  }

  // MARK: Where the servers are

  /// Asks a Sentinel for the master, or a server of the cluster for the slots.
  func askTheGuide(_ nowMs: Int64) {
    switch address.kind {
    case .single: return
    case .cluster:
      if map.servers.isEmpty { addLink(map.guide) }
      guard nowMs >= nextGuideMs, !guideIsUnderWay else { return }
      guard let node = links.first(where: { $0.value.isReady })?.key else {
        // None of those that are known: the next seed.
        nextGuideMs = nowMs + RedisLimits.slotsIntervalMin.wholeMilliseconds
        if (links[map.guide]?.failures ?? 0) > 0 {
          map.guideFailed()
          addLink(map.guide)
        }
        return
      }
      nextGuideMs = nowMs + RedisLimits.slotsInterval.wholeMilliseconds
      lastCall += 1
      guard links[node]?.command(["CLUSTER", "SLOTS"], id: lastCall, nowMs: nowMs) == true else {
        return
      }
      calls[lastCall] = .guide
      guideIsUnderWay = true
    case .sentinel(let name):
      if guide == nil, nowMs >= nextGuideMs {
        guide = StoreLink(map.guide, .sentinel, names: names)
      }
      handleGuide(
        guide?.tick(nowMs: nowMs, jitter: jitter(), readCredentials: readCredentials) ?? [],
        nowMs)
      guard nowMs >= nextGuideMs, !guideIsUnderWay, guide?.isReady == true else { return }
      nextGuideMs = nowMs + RedisLimits.masterInterval.wholeMilliseconds
      lastCall += 1
      let words = ["SENTINEL", "get-master-addr-by-name", name]
      guard guide?.command(words, id: lastCall, nowMs: nowMs) == true else { return }
      calls[lastCall] = .guide
      guideIsUnderWay = true
    }
  }

  func handleGuide(_ events: [StoreLink.Event], _ nowMs: Int64) {
    for event in events {
      switch event {
      case .ready:
        nextGuideMs = nowMs
        guide?.subscribe("+switch-master", nowMs: nowMs)
      case .pushed: nextGuideMs = nowMs
      case .answered(let id, let value):
        calls[id] = nil
        guideIsUnderWay = false
        take(master: value, nowMs)
      case .lost(let reason, let word, let unanswered):
        for id in unanswered { calls[id] = nil }
        guideIsUnderWay = false
        failed(word, "Sentinel \(map.guide): \(reason)")
        if Self.refusing.contains(word) { guideRefusal = "Sentinel \(map.guide) \(reason)" }
        askTheNextSentinel(nowMs)
      }
    }
  }

  private func take(master value: RESPValue, _ nowMs: Int64) {
    switch map.take(master: value) {
    case let isAnother?:
      guideFailures = 0
      guideRefusal = nil
      guideBackoff.reset()
      if isAnother { followMap(nowMs) }
    case nil:
      let problem: String
      if case .error(let error) = value {
        problem = "Sentinel \(map.guide) answers \(error.description)"
      } else {
        problem =
          "Sentinel \(map.guide) does not know this master: ?sentinel= takes the name that"
          + " `sentinel monitor` gives it"
      }
      failed("SENTINEL", problem)
      tellOnce(problem) { log.storeUnfit($0, isRefused: true, address: address.description) }
      askTheNextSentinel(nowMs)
    }
  }

  /// This one does not answer, does not know, or is wrong. Where it is the only one, it is asked again.
  private func askTheNextSentinel(_ nowMs: Int64) {
    map.guideFailed()
    guideFailures += 1
    nextGuideMs = nowMs + guideBackoff.next(random: jitter())
    guard let guide, map.guide != guide.node else { return }
    for id in guide.connection?.unanswered ?? [] { calls[id] = nil }
    guideIsUnderWay = false
    self.guide = nil
  }

  // MARK: What happens on a link

  func handle(_ events: [StoreLink.Event], _ node: RedisNode, _ nowMs: Int64) {
    for event in events {
      switch event {
      case .ready(let server):
        if let link = links[node], link.connects > 1 { status.reconnects += 1 }
        nextPresenceMs = min(nextPresenceMs, nowMs)
        // It may be another server, or the same one after a start.
        books.storeMayHaveLost()
        if address.kind == .cluster { nextGuideMs = min(nextGuideMs, nowMs) }
        let doubts = server.doubts(in: address.kind).map { "\(node) \($0.description)" }
        status.warnings = doubts
        for doubt in doubts {
          tellOnce(doubt) { log.storeUnfit($0, isRefused: false, address: address.description) }
        }
      case .pushed: break
      case .answered(let id, let value):
        switch calls.removeValue(forKey: id) {
        case .statements(let call, _, let sent, let redirections):
          answered(call, sent, redirections, value, node, nowMs)
        case .presence(let caller): answered(presence: value, to: caller, node, nowMs)
        case .guide:
          guideIsUnderWay = false
          if map.take(slots: value, from: node) {
            followMap(nowMs)
          } else {
            nextGuideMs = nowMs + RedisLimits.slotsIntervalMin.wholeMilliseconds
          }
        case nil: break
        }
      case .lost(let reason, let word, let unanswered):
        if word != "MOVED", word != "RELOAD" { failed(word, "\(node) \(reason)") }
        noteRefusal(word, node, "\(node) \(reason)")
        switch word {
        case "UNFIT":
          tellOnce("\(node) \(reason)") {
            log.storeUnfit($0, isRefused: true, address: address.description)
          }
        case "WRONGPASS", "NOAUTH", "NOPERM":
          tellOnce("\(node) \(reason)") {
            log.storeCredentialsRefused($0, address: address.description)
          }
        default: break
        }
        if case .sentinel = address.kind, word == "READONLY" {
          // Whoever named it did not know better.
          askTheNextSentinel(nowMs)
        }
        if address.kind != .single {
          nextGuideMs = min(nextGuideMs, nowMs + RedisLimits.slotsIntervalMin.wholeMilliseconds)
        }
        for id in unanswered {
          switch calls.removeValue(forKey: id) {
          case .statements(let call, _, _, _): books.storeUnanswered(call.id)
          case .presence: presenceIsUnderWay = false
          case .guide: guideIsUnderWay = false
          case nil: break
          }
        }
      }
    }
  }
}
