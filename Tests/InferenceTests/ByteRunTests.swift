import CInstructions
import Testing

/// The vector code finds what its portable twins find.
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
      "visible", { unsafe tollgate_visible_run($0, $1) },
      { unsafe tollgate_visible_run_portable($0, $1) }, bytes)
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
    var random = FixedRandom(state: 3)
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
}
