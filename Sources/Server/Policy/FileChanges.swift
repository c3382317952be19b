import Foundation
import Log
import Terms

/// Watches for changes of a policy's files: with inotify, every directory on the way to them. When
/// a ConfigMap's `..data` link is swapped, an editor renames a file or a file is replaced, a name
/// is added or removed in one of these directories.
///
/// On the policy watcher's thread.
final class FileChanges {
  /// Readable after a change. nil where inotify is not to be had: then changes are found only
  /// because the files are read every ten seconds.
  private(set) var descriptor: Descriptor?
  private let path: String
  private let log: Logger
  /// The directories that are watched.
  private var directories: Set<String> = []

  /// Begins to watch the policy at `path`.
  init(path: String, log: Logger) {
    self.path = path
    self.log = log
    follow()
  }

  /// How many quiet times are waited for, where the files keep changing.
  static let settleRoundsMax = 20

  /// Waits until no more changes come, and takes their events off the descriptor.
  func settle() {
    guard let descriptor else { return }
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let quiet = Poller.milliseconds(PolicyWatcher.quiet)
    for _ in 0..<Self.settleRoundsMax {
      // Which names have changed does not matter, because the files are compared byte for byte.
      while let count = try? Kernel.read(descriptor, into: &buffer), count > 0 {}
      if !Kernel.pollReadable([descriptor], timeoutMilliseconds: quiet)[0] { return }
    }
  }

  /// Watches the directories that are on the way to the files now: they are others after a link was
  /// swapped. True where the watch is new: then the files may have changed before it began.
  @discardableResult
  func follow() -> Bool {
    let wanted = Self.directories(of: path)
    guard wanted != directories || descriptor == nil else { return false }
    do {
      // A new inotify each time: closing the old one ends its watches.
      let fresh = try Kernel.createInotify()
      for directory in wanted { try? Kernel.watchDirectory(fresh, directory) }
      descriptor = fresh
      directories = wanted
      return true
    } catch {
      log.report(
        .warning, .policyWatchDegraded,
        "policy changes are noticed only when the files are read, every 10 s: \(error)")
      descriptor = nil
      return false
    }
  }

  /// The directory of the policy, of each of its files, and of the files that links lead to.
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
