import Metrics

/// Reads what the kernel says of this process, for the `process_*` metrics.
///
/// On the admin server's thread.
enum ProcessReading {
  /// The most entries of `/proc/self/fd` that are counted.
  static let descriptorsMax = 1 << 20

  /// The process's numbers now; nil where `/proc` cannot be read as proc(5) describes it.
  static func now(startedNanoseconds: Int64) -> ProcessStatus? {
    guard let text = text(of: "/proc/self/stat"), let name = text.lastIndex(of: ")") else {
      return nil
    }
    // The second field, the name, may hold spaces and brackets; the third begins behind its last
    // bracket. Fields are numbered as in proc(5).
    let fields = text[text.index(after: name)...].split(separator: " ").map { Int64($0) }
    func field(_ number: Int) -> Int64? {
      number - 3 < fields.count ? fields[number - 3] : nil
    }
    guard let threads = field(20), let virtual = field(23), let pages = field(24),
      let names = try? Kernel.names(inDirectory: "/proc/self/fd", limit: descriptorsMax)
    else { return nil }
    return ProcessStatus(
      cpuSeconds: Kernel.processorSeconds(), residentBytes: pages * Kernel.pageBytes(),
      // One of them is the descriptor that reads the directory.
      virtualBytes: virtual, openFDs: max(0, names.count - 1), maxFDs: Kernel.descriptorsMax(),
      threads: Int(threads), startSeconds: Double(startedNanoseconds) / 1_000_000_000)
  }

  private static func text(of path: String) -> String? {
    guard let file = try? Kernel.openToRead(path) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard let count = try? Kernel.read(file, into: &buffer) else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }
}
