import Foundation
import Gateway
import Log
import Policy
import Terms
import Testing

@testable import Server

struct PolicyReaderTests {
  private func text(_ source: PolicySource) -> String {
    String(decoding: source.bytes, as: UTF8.self)
  }

  @Test func `a file is read under its own name`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("p.json5", "{}")
    let path = directory.path + "/p.json5"
    let sources = try PolicyReader.read(path)
    #expect(sources.map(\.name) == [path])
    #expect(sources.map(text) == ["{}"])
  }

  @Test func `a directory's files come by name, without hidden ones and others`() throws {
    let directory = try TemporaryDirectory()
    for name in ["b.json", "a.json5", "c.txt", ".d.json", "e.json~", "B.json"] {
      try directory.write(name, name)
    }
    try directory.makeDirectory("f.json")
    let sources = try PolicyReader.read(directory.path + "/")
    #expect(sources.map(text) == ["B.json", "a.json5", "b.json"])
    #expect(
      sources.map(\.name) == ["B.json", "a.json5", "b.json"].map { directory.path + "/" + $0 })
  }

  @Test func `a ConfigMap is read through its links, before and after the swap`() throws {
    let directory = try TemporaryDirectory()
    try directory.makeDirectory("..one")
    try directory.write("..one/p.json", "1")
    try directory.link("..data", to: "..one")
    try directory.link("p.json", to: "..data/p.json")
    #expect(try PolicyReader.read(directory.path).map(text) == ["1"])
    let before = FileChanges.directories(of: directory.path)
    try directory.makeDirectory("..two")
    try directory.write("..two/p.json", "2")
    try directory.link("..data_tmp", to: "..two")
    try directory.rename("..data_tmp", to: "..data")
    #expect(try PolicyReader.read(directory.path).map(text) == ["2"])
    let after = FileChanges.directories(of: directory.path)
    #expect(before.contains(directory.path + "/..one"))
    #expect(after.contains(directory.path + "/..two"))
    #expect(before.contains(directory.path) && after.contains(directory.path))
  }

  @Test func `what cannot be read is said`() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: PolicyReader.Problem.noFiles(path: directory.path)) {
      try PolicyReader.read(directory.path)
    }
    let missing = directory.path + "/none.json"
    let error = SystemError(call: "stat", code: ENOENT)
    #expect(throws: PolicyReader.Problem.system(path: missing, error)) {
      try PolicyReader.read(missing)
    }
    let made = unsafe mkfifo(directory.path + "/pipe.json", 0o600)
    #expect(made == 0)
    #expect(throws: PolicyReader.Problem.notRegular(path: directory.path + "/pipe.json")) {
      try PolicyReader.read(directory.path + "/pipe.json")
    }
  }

  @Test func `a file at the size limit is read, one byte more is refused`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/p.json"
    let limit = PolicyReader.fileBytesMax
    try directory.write("p.json", String(repeating: " ", count: limit))
    #expect(try PolicyReader.read(path)[0].bytes.count == limit)
    try directory.write("p.json", String(repeating: " ", count: limit + 1))
    #expect(throws: PolicyReader.Problem.fileTooLarge(path: path, limit: limit)) {
      try PolicyReader.read(path)
    }
  }

  @Test func `files at the total limit are read, one byte more is refused`() throws {
    let directory = try TemporaryDirectory()
    let count = PolicyReader.totalBytesMax / PolicyReader.fileBytesMax
    let full = String(repeating: " ", count: PolicyReader.fileBytesMax)
    for index in 0..<count { try directory.write("\(index).json", full) }
    #expect(try PolicyReader.read(directory.path).count == count)
    try directory.write("z.json", " ")
    let limit = PolicyReader.totalBytesMax
    #expect(throws: PolicyReader.Problem.totalTooLarge(path: directory.path, limit: limit)) {
      try PolicyReader.read(directory.path)
    }
  }

  @Test func `a directory at the limit of names is read, one more is refused`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("p.json", "{}")
    for index in 1..<PolicyReader.filesMax { try directory.write("\(index).txt", "") }
    #expect(try PolicyReader.read(directory.path).count == 1)
    try directory.write("more.txt", "")
    let limit = PolicyReader.filesMax
    #expect(throws: PolicyReader.Problem.tooManyFiles(path: directory.path, limit: limit)) {
      try PolicyReader.read(directory.path)
    }
  }
}

struct FileChangesTests {
  private func follow(_ path: String) -> (FileChanges, Descriptor)? {
    let log = Logger(level: .error, format: .text, write: { _ in })
    let changes = FileChanges(path: path, log: log)
    return changes.descriptor.map { (changes, $0) }
  }

  private func hasSign(_ descriptor: Descriptor) -> Bool {
    Kernel.pollReadable([descriptor], timeoutMilliseconds: 20_000)[0]
  }

  @Test func `an editor's rename over the file gives a sign`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("p.json", "1")
    let (changes, descriptor) = try #require(follow(directory.path + "/p.json"))
    #expect(!Kernel.pollReadable([descriptor], timeoutMilliseconds: 0)[0])
    try directory.write("p.json.tmp", "2")
    try directory.rename("p.json.tmp", to: "p.json")
    #expect(hasSign(descriptor))
    changes.settle()
    #expect(!Kernel.pollReadable([descriptor], timeoutMilliseconds: 0)[0])
    #expect(!changes.follow())
  }

  @Test func `a write in place gives a sign`() throws {
    let directory = try TemporaryDirectory()
    try directory.write("p.json", "1")
    let (_, descriptor) = try #require(follow(directory.path))
    try directory.write("p.json", "2")
    #expect(hasSign(descriptor))
  }

  @Test func `a swapped link gives a sign, and its new target is followed`() throws {
    let directory = try TemporaryDirectory()
    try directory.makeDirectory("..one")
    try directory.makeDirectory("..two")
    try directory.write("..one/p.json", "1")
    try directory.write("..two/p.json", "2")
    try directory.link("..data", to: "..one")
    try directory.link("p.json", to: "..data/p.json")
    let (changes, first) = try #require(follow(directory.path + "/p.json"))
    try directory.link("..new", to: "..two")
    try directory.rename("..new", to: "..data")
    #expect(hasSign(first))
    changes.settle()
    #expect(changes.follow())
    let second = try #require(changes.descriptor)
    try directory.write("..two/p.json", "3")
    #expect(hasSign(second))
  }
}
