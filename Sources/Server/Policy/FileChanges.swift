import Foundation
import Gateway
import Log
import Terms

/// Signs that a policy's files may have changed: inotify on every directory through which they are reached.
/// A ConfigMap's `..data` swap, an editor's rename and a file replaced all show as names that come or go there.
final class FileChanges {
  /// Readable after a change; nil where the machine has no watch to give, and only the poll is left.
  private(set) var descriptor: Descriptor?
  private let path: String
  private let log: Logger
  private var directories: Set<String> = []

  init(path: String, log: Logger) {
    self.path = path
    self.log = log
    follow()
  }

  /// The longest run of changes that is waited out.
  static let settleRoundsMax = 20

  /// Waits until no more changes come, and forgets them.
  func settle() {
    guard let descriptor else { return }
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let quiet = Poller.milliseconds(PolicyWatcher.quiet)
    for _ in 0..<Self.settleRoundsMax {
      // Which names changed does not matter: the files are compared byte for byte.
      while let count = try? Kernel.read(descriptor, into: &buffer), count > 0 {}
      if !Kernel.pollReadable([descriptor], timeoutMilliseconds: quiet)[0] { return }
    }
  }

  /// Watches the directories that matter now, which a swapped link changes. True: the watch is new,
  /// and what changed before it is not known.
  @discardableResult
  func follow() -> Bool {
    let wanted = Self.directories(of: path)
    guard wanted != directories || descriptor == nil else { return false }
    do {
      // A new one each time: the old directories' watches go with the old descriptor.
      let fresh = try Kernel.createInotify()
      for directory in wanted { try? Kernel.watchDirectory(fresh, directory) }
      descriptor = fresh
      directories = wanted
      return true
    } catch {
      log.report(
        .warning, .policyWatchDegraded,
        "policy changes are found by looking every 10 s only: \(error)")
      descriptor = nil
      return false
    }
  }

  /// The directory of every file and link on the way to the policy's bytes.
  static func directories(of path: String) -> Set<String> {
    var directories: Set<String> = [parent(of: path)]
    if let resolved = Kernel.resolved(path) { directories.insert(parent(of: resolved)) }
    guard let files = try? PolicyReader.files(at: path) else {
      if (try? Kernel.identity(ofFile: path))?.isDirectory == true { directories.insert(path) }
      return directories
    }
    for file in files {
      directories.insert(parent(of: file))
      if let resolved = Kernel.resolved(file) { directories.insert(parent(of: resolved)) }
    }
    return directories
  }

  private static func parent(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }
}
