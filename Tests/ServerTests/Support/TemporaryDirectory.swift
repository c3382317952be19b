import Foundation
import Glibc

/// A directory that is removed when its test ends.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    // Short, because a Unix socket's path is.
    path = "/tmp/tg-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path + "/" + name, withDestinationPath: target)
  }

  func rename(_ name: String, to other: String) throws {
    guard unsafe Glibc.rename(path + "/" + name, path + "/" + other) == 0 else {
      throw CocoaError(.fileWriteUnknown)
    }
  }

  func makeDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path + "/" + name, withIntermediateDirectories: true)
  }
}
