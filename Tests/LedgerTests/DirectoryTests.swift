import Foundation
import Glibc
import Ledger
import Testing

/// Real files.
@Suite struct DirectoryTests {
  static func temporary() -> String { "/tmp/tg-ledger-" + UUID().uuidString.prefix(8) }

  /// What the independent verifier says of a directory.
  static func verify(_ path: String, sum: String? = nil) throws -> (status: Int32, text: String) {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Ledger/verify.py").path
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script, path] + (sum.map { ["--sum", $0] } ?? [])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  @Test func `An independent verifier accepts what is written and sums the same`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let files = try DirectoryFiles.creating(path: path + "/ledger")
    let books = try TestBooks(files)
    try books.start()
    for (index, body) in RecordTests.bodies.enumerated() {
      switch body {
      case .checkpoint, .repair: books.writer.beginSegment()
      default: _ = books.record(body)
      }
      let id = try #require(books.admit())
      #expect(books.writer.flush())
      if index % 3 != 0 { books.complete(id) }
    }
    #expect(books.writer.stop())
    let answer = try Self.verify(path + "/ledger", sum: TestBooks.counter)
    let verification = Verification.run(files)
    #expect(answer.status == 0)
    #expect(
      answer.text == "\(verification.recordCount) records, 1 to \(verification.lastSeq ?? 0)\n"
        + "\(TestBooks.counter) \(books.sums.total)\n")
    #expect(verification.segmentCount > 2 && verification.problem == nil)

    var status = stat()
    #expect(unsafe stat(path + "/ledger", &status) == 0 && status.st_mode & 0o777 == 0o700)
    for name in try files.names() {
      #expect(unsafe stat(path + "/ledger/" + name, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
    }
  }

  /// Cuts, holes, changed and removed records, with and without a `stop` behind them.
  @Test func `An independent verifier tells torn from damaged at the same places`() throws {
    let (name, closed, starts) = try RecoveryTests.closed()
    let killed = Array(closed[..<starts[starts.count - 1]])
    var cases: [[UInt8]] = []
    for bytes in [closed, killed] {
      for at in [700, bytes.count - 300, bytes.count - 1] { cases.append(Array(bytes[..<at])) }
      for at in [700, starts[3], starts[4] - 1, bytes.count - 300] {
        var changed = bytes
        changed[at] ^= 0x04
        cases.append(changed)
      }
      for hole in [starts[3]..<(starts[3] / 512 + 1) * 512, 2048..<2560, 2050..<2060] {
        var changed = bytes
        for at in hole { changed[at] = 0 }
        cases.append(changed)
      }
      cases.append(Array(bytes[..<starts[3]] + bytes[starts[4]...]))
      cases.append(bytes + [UInt8](repeating: 0, count: 100))
    }
    var torn = 0
    for bytes in cases {
      let path = Self.temporary()
      defer { try? FileManager.default.removeItem(atPath: path) }
      let files = try DirectoryFiles.creating(path: path)
      try files.create(name).append(bytes)
      let verification = Verification.run(files)
      let answer = try Self.verify(path)
      switch verification.problem {
      case .damaged(_, let offset, _)?:
        #expect(answer.status == 1 && answer.text.contains("\(name): offset \(offset): "))
      case nil:
        let end = try #require(verification.torn)
        #expect(answer.status == 0 && answer.text.contains("offset \(end.offset): torn"))
        torn += 1
      case .files?, .newerFormat?: Issue.record("\(bytes.count)")
      }
    }
    #expect(torn > 6 && cases.count - torn > 12)
  }

  @Test func `A data directory has one holder and names it`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try DirectoryFiles.creating(path: path)
    let lock = try DirectoryLock.take(directory: path)
    #expect(throws: DirectoryLock.Problem.held(path: path, pid: getpid())) {
      try DirectoryLock.take(directory: path)
    }
    #expect(try DirectoryLock.holder(directory: path) == getpid())
    withExtendedLifetime(lock) {}
  }

  @Test func `Whoever looks for the holder in that very moment does not keep a start out`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try DirectoryFiles.creating(path: path)
    withExtendedLifetime(try DirectoryLock.take(directory: path)) {}
    // As `holder` does, and it is slow to let go.
    let looking = unsafe open(path + "/lock", O_RDONLY)
    #expect(flock(looking, LOCK_SH | LOCK_NB) == 0)
    var pauses = 0
    let lock = try DirectoryLock.take(directory: path) {
      pauses += 1
      if pauses == 3 { close(looking) }
    }
    #expect(pauses == 3)
    #expect(try DirectoryLock.holder(directory: path) == getpid())
    withExtendedLifetime(lock) {}
  }

  @Test func `A lock that stays held is asked for so often and then refused`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try DirectoryFiles.creating(path: path)
    var lock: DirectoryLock? = try DirectoryLock.take(directory: path)
    var pauses = 0
    #expect(throws: DirectoryLock.Problem.held(path: path, pid: getpid())) {
      try DirectoryLock.take(directory: path) { pauses += 1 }
    }
    #expect(pauses == DirectoryLock.attemptsMax - 1)
    // Let go in time for the last attempt.
    pauses = 0
    let next = try DirectoryLock.take(directory: path) {
      pauses += 1
      guard pauses == DirectoryLock.attemptsMax - 1 else { return }
      withExtendedLifetime(lock) {}
      lock = nil
    }
    #expect(pauses == DirectoryLock.attemptsMax - 1)
    withExtendedLifetime(next) {}
  }

  /// What somebody does to a file that the process has open.
  enum Tampering: CaseIterable {
    case removed, replaced, renamed

    func happen(to file: String) throws {
      let manager = FileManager.default
      switch self {
      case .removed: try manager.removeItem(atPath: file)
      case .replaced:
        try manager.copyItem(atPath: file, toPath: file + ".copy")
        #expect(unsafe rename(file + ".copy", file) == 0)
      case .renamed: try manager.moveItem(atPath: file, toPath: file + ".moved")
      }
    }
  }

  private static func wait(_ what: String, until isSo: () -> Bool) {
    let end = ContinuousClock.now + .seconds(60)
    while !isSo() {
      guard ContinuousClock.now < end else {
        Issue.record("\(what)")
        return
      }
      usleep(1000)
    }
  }

  @Test(arguments: Tampering.allCases)
  func `A lock file that goes ends all writing, and who takes it later reads all that counts`(
    _ tampering: Tampering
  ) throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let files = try DirectoryFiles.creating(path: path + "/ledger")
    let lock = try DirectoryLock.take(directory: path)
    let first = try TestBooks(OwnedFiles(files, lock: lock))
    try first.start()
    let before = try #require(first.admit())
    #expect(first.writer.flush())
    try tampering.happen(to: path + "/lock")
    // What is under way when the lock goes is not acknowledged.
    _ = first.admit()
    #expect(!first.writer.flush())
    let fault = LedgerState.unavailable(.failed(.lostLock(path + "/lock")))
    Self.wait("it is noticed") { first.writer.state == fault }
    #expect(first.admit() == nil)

    let otherLock = try DirectoryLock.take(directory: path)
    let other = try TestBooks(OwnedFiles(files, lock: otherLock), firstNumber: 100)
    #expect(other.sums.open.contains(before))
    try other.start()
    let later = try #require(other.admit())
    #expect(other.writer.flush())
    // Also where the first one's file comes back.
    if tampering == .renamed {
      #expect(unsafe rename(path + "/lock", path + "/lock.other") == 0)
      #expect(unsafe rename(path + "/lock.moved", path + "/lock") == 0)
      Self.wait("the second has no lock now") { other.writer.state == fault }
    }
    #expect(first.writer.state == fault)
    _ = first.record(.stop(ProcessEvent(policy: "p", version: "1")))
    #expect(!first.writer.stop(), "what it had to write is not written")
    _ = other.writer.stop()
    #expect(Verification.run(files).problem == nil)
    #expect(try Replay(files).admitted.isSuperset(of: first.acknowledged.union([later])))
    withExtendedLifetime((lock, otherLock)) {}
  }

  @Test(arguments: Tampering.allCases)
  func `A segment that goes is noticed without a write, and another begins with a checkpoint`(
    _ tampering: Tampering
  ) throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let files = try DirectoryFiles.creating(path: path + "/ledger")
    let lock = try DirectoryLock.take(directory: path)
    let books = try TestBooks(OwnedFiles(files, lock: lock))
    try books.start()
    let id = try #require(books.admit())
    #expect(books.writer.flush())
    let segment = try #require(Segment.list(files).last)
    try tampering.happen(to: path + "/ledger/" + segment.name)
    books.waitUntilBack()
    #expect(books.states.contains(.unavailable(.failed(.lostSegment(segment.name)))))
    books.complete(id)
    #expect(books.writer.flush())
    let sums = books.sums
    #expect(books.writer.stop())
    let next = try TestBooks(files, firstNumber: 100)
    #expect(next.sums == sums)
    withExtendedLifetime(lock) {}
  }

  @Test func `An old segment that somebody removes is forgotten and told`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let files = try DirectoryFiles.creating(path: path + "/ledger")
    let books = try TestBooks(files)
    try books.start()
    let first = try #require(Segment.list(files).first)
    books.writer.beginSegment()
    Self.wait("a segment begins") { books.writer.statistics.segmentCount == 2 }
    let bytes = books.writer.statistics.diskBytes
    try FileManager.default.removeItem(atPath: path + "/ledger/" + first.name)
    Self.wait("it is noticed") { books.writer.statistics.segmentCount == 1 }
    #expect(books.writer.statistics.diskBytes < bytes)
    #expect(books.gone == [first])
    #expect(books.writer.state == .writable)
    #expect(books.writer.stop())
  }

  @Test func `A data directory that nobody holds has no holder, and asking takes nothing`() throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(throws: DirectoryLock.Problem.self) { try DirectoryLock.holder(directory: path) }
    _ = try DirectoryFiles.creating(path: path)
    withExtendedLifetime(try DirectoryLock.take(directory: path)) {}
    #expect(try DirectoryLock.holder(directory: path) == nil)
    #expect(try DirectoryLock.holder(directory: path) == nil)
    withExtendedLifetime(try DirectoryLock.take(directory: path)) {}
  }

  @Test func `A file-size limit of the system is met as a full disk is`() async {
    let path = Self.temporary()
    // Here, because a child that fails does not come to it.
    defer { try? FileManager.default.removeItem(atPath: path) }
    // In a process of its own, because the limit is the process's.
    await #expect(processExitsWith: .success) { [path = path as String] in
      let books = try TestBooks(try DirectoryFiles.creating(path: path))
      try books.start()
      _ = signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4_000, rlim_max: rlim_t.max)
      precondition(unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0)
      for _ in 0..<20 {
        guard let id = books.admit() else { continue }
        _ = books.writer.flush()
        books.complete(id)
      }
      // New segments have room again, so that the ledger goes on by itself.
      while !books.writer.flush() { books.waitUntilBack() }
      // A flush may return before the writer's thread has told what failed; its end may not.
      precondition(books.writer.stop())
      // Whichever write met the limit: an admission's fails, a completion's is made up for.
      precondition(
        books.states.contains { if case .unavailable(.failed) = $0 { true } else { false } })
      let replay = try Replay(DirectoryFiles(path: path))
      precondition(books.acknowledged.isSubset(of: replay.admitted))
      precondition(books.failed.isDisjoint(with: replay.admitted))
      let answer = try DirectoryTests.verify(path)
      precondition(answer.status == 0)
    }
  }

  @Test func `Ten killed writers lose nothing they acknowledged`() async throws {
    let path = Self.temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let files = try DirectoryFiles.creating(path: path + "/ledger")
    var acknowledged: Set<String> = []
    for round in 0..<10 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, round = round as Int] in
        let told = unsafe open(path + "/told-\(round)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let books = try TestBooks(
          DirectoryFiles(path: path + "/ledger"), firstNumber: round * 1_000_000)
        let enough = DispatchSemaphore(value: 0)
        books.onDurable = { ids in
          let text = Array(ids.map { $0 + "\n" }.joined().utf8)
          let count = unsafe text.withUnsafeBytes {
            unsafe Glibc.write(told, $0.baseAddress, $0.count)
          }
          precondition(count == text.count)
          if books.acknowledged.count >= 20 + 13 * round { enough.signal() }
        }
        try books.start()
        // Dies while others are writing, after some number of exchanges were told.
        Thread {
          enough.wait()
          kill(getpid(), SIGKILL)
        }.start()
        while true {
          if let id = books.admit() { if id.hasSuffix("3") { books.complete(id) } }
          if books.writer.statistics.queuedBytes > 100_000 { _ = books.writer.flush() }
        }
      }
      let books = try TestBooks(files)
      // The kill may cut a write short: what follows the last line's end was not told.
      let told = try String(contentsOfFile: path + "/told-\(round)", encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
      acknowledged.formUnion(told)
      let replay = try Replay(files)
      #expect(acknowledged.subtracting(replay.admitted) == [])
      #expect(told.count >= 20 + 13 * round)
      #expect(replay.total == books.sums.total)
      let answer = try Self.verify(path + "/ledger", sum: TestBooks.counter)
      #expect(answer.status == 0)
      #expect(answer.text.contains("\(TestBooks.counter) \(books.sums.total)\n"))
    }
  }
}
