import CInstructions
import SeededRandom
import Testing

/// The vector code and the portable code give the same results.
@Suite struct ByteRunTests {
  private typealias Run = (UnsafePointer<UInt8>, Int) -> Int

  private func expectEqual(_ name: String, _ fast: Run, _ portable: Run, _ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let answers = unsafe (fast(base, buffer.count), portable(base, buffer.count))
      #expect(answers.0 == answers.1, "\(name) of \(bytes)")
    }
  }

  private func expectEqual(_ bytes: [UInt8]) {
    unsafe expectEqual(
      "plain", { unsafe tollgate_plain_run($0, $1) },
      { unsafe tollgate_plain_run_portable($0, $1) }, bytes)
    unsafe expectEqual(
      "text", { unsafe tollgate_text_run($0, $1) }, { unsafe tollgate_text_run_portable($0, $1) },
      bytes)
    unsafe expectEqual(
      "base64", { unsafe tollgate_base64_run($0, $1) },
      { unsafe tollgate_base64_run_portable($0, $1) }, bytes)
    unsafe expectEqual(
      "until", { unsafe tollgate_until_byte($0, $1, 0x0A) },
      { unsafe tollgate_until_byte_portable($0, $1, 0x0A) }, bytes)
    unsafe expectEqual(
      "string", { unsafe tollgate_plain_string($0, $1) },
      { unsafe tollgate_plain_string_portable($0, $1) }, bytes)
  }

  @Test func `every byte ends its runs at every place`() {
    for length in [1, 15, 16, 17, 31, 63, 64, 65, 129, 239, 240, 241, 300] {
      for place in Set([0, 1, length / 2, min(length - 1, 239), length - 1]) where place < length {
        for byte in UInt8.min...UInt8.max {
          var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
          bytes[place] = byte
          expectEqual(bytes)
        }
      }
    }
  }

  @Test func `runs of mixed scripts are the same, cut anywhere and broken`() {
    var random = SeededRandom(3)
    let pieces = ["word ", "é", "世界", "😀", "\"", "\\n", "Zm9v", "\u{1}", "\n", "ü "].map {
      Array($0.utf8)
    }
    for _ in 0..<4000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        bytes += pieces.randomElement(using: &random)!
      }
      if Bool.random(using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0..<min(4, bytes.count), using: &random))
      expectEqual(bytes)
    }
  }

  private func prose(_ bytes: [UInt8], from start: Int, wide: Bool) -> tollgate_prose {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return tollgate_prose(passed: 0, escapes: 0) }
      let (from, count) = unsafe (base + start, buffer.count - start)
      return wide
        ? unsafe tollgate_prose_run_wide(from, count)
        : unsafe tollgate_prose_run_portable(from, count)
    }
  }

  /// Where UTF-8 is malformed or cut, the wide code may stop early, by at most a block and a sequence.
  private func expectEqualProse(_ bytes: [UInt8]) {
    let all = prose(bytes, from: 0, wide: false)
    let run = prose(bytes, from: 0, wide: true)
    guard run.passed != all.passed else {
      #expect(run.escapes == all.escapes, "prose of \(bytes)")
      return
    }
    #expect(run.passed < all.passed && all.passed - run.passed < 68, "prose of \(bytes)")
    #expect(String(validating: bytes, as: UTF8.self) == nil, "prose of \(bytes)")
    let rest = prose(bytes, from: run.passed, wide: false)
    #expect(run.passed + rest.passed == all.passed, "prose of \(bytes)")
    #expect(run.escapes + rest.escapes == all.escapes, "prose of \(bytes)")
  }

  /// On a CPU without its instructions, the wide code is not run and nothing is compared.
  @Test(.enabled(if: tollgate_prose_supported()))
  func `prose is the same wide and byte by byte, cut anywhere and broken`() {
    var random = SeededRandom(5)
    let pieces = [
      "word ", "é", "世界", "😀", #"\n"#, #"\\"#, #"\""#, #"\/"#, #"\u0041"#, #"\x"#, "\"", "\u{1}",
      "ü ",
      #"\\\\"#, String(repeating: "a", count: 50), String(repeating: "b", count: 63),
    ].map { Array($0.utf8) }
    for _ in 0..<20_000 {
      var bytes: [UInt8] = []
      let kinds = Bool.random(using: &random) ? pieces.count : 8
      for _ in 0..<Int.random(in: 1...60, using: &random) {
        bytes += pieces[Int.random(in: 0..<kinds, using: &random)]
      }
      if Bool.random(using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0..<min(4, bytes.count), using: &random))
      expectEqualProse(bytes)
    }
  }

  /// Every lead with every second byte, and a third and a fourth at their bounds, across the end of
  /// a block too.
  @Test(.enabled(if: tollgate_prose_supported()))
  func `every sequence is judged the same`() {
    for lead in UInt8(0x80)...0xFF {
      for second in UInt8.min...UInt8.max {
        for tail in [[0x80, 0x80], [0xBF, 0x7F], [0x7F, 0xBF], [0xC0, 0x80]] as [[UInt8]] {
          for before in [0, 61] {
            let bytes = [UInt8](repeating: 0x61, count: before) + [lead, second] + tail
            expectEqualProse(bytes + [UInt8](repeating: 0x61, count: 128 - bytes.count))
          }
        }
      }
    }
  }
}
