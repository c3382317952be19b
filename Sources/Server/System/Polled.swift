import CLinux
import Glibc

/// One descriptor for poll(2): what to watch it for, and what was found.
struct Polled {
  let descriptor: Int32
  /// Whether it is watched for input.
  var reads = false
  /// Whether it is watched for room to write.
  var writes = false
  /// Whether it has input, an error or a hang-up.
  private(set) var isReadable = false
  /// Whether it has room to write, an error or a hang-up.
  private(set) var isWritable = false

  init(_ descriptor: Int32, reads: Bool = false, writes: Bool = false) {
    self.descriptor = descriptor
    self.reads = reads
    self.writes = writes
  }

  /// As poll(2) takes it.
  var entry: pollfd {
    let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
    return pollfd(fd: descriptor, events: Int16(events), revents: 0)
  }

  /// Takes what poll(2) found. An error or a hang-up counts as both, because the next read or write
  /// then says what is wrong.
  mutating func take(_ entry: pollfd) {
    let found = Int32(entry.revents)
    let isBroken = found & Int32(POLLERR | POLLHUP | POLLNVAL) != 0
    isReadable = found & Int32(POLLIN) != 0 || isBroken
    isWritable = found & Int32(POLLOUT) != 0 || isBroken
  }
}
