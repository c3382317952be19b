import Bytes

/// Writes commands: a list of strings each, in both versions of the protocol.
package enum RESPWriter {
  /// Appends a command with its arguments.
  package static func append(_ command: [[UInt8]], to output: inout [UInt8]) {
    header(UInt8(ascii: "*"), command.count, &output)
    for part in command {
      header(UInt8(ascii: "$"), part.count, &output)
      output += part
      output += [0x0d, 0x0a]
    }
  }

  /// How many bytes that takes at most.
  package static func bytesMax(_ command: [[UInt8]]) -> Int {
    command.reduce(headerBytesMax) { $0 + $1.count + headerBytesMax + 2 }
  }

  /// A mark, a number of at most 19 digits, CR LF.
  private static let headerBytesMax = 22

  private static func header(_ type: UInt8, _ count: Int, _ output: inout [UInt8]) {
    output.append(type)
    output += Array(String(count).utf8)
    output += [0x0d, 0x0a]
  }
}
