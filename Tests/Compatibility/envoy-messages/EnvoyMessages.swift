import Foundation

/// Shows what EnvoyAPI makes of official messages, and official parsers what EnvoyAPI writes.
///
///     envoy-messages read < frames    one JSON line a frame
///     envoy-messages write            one line a reply: its name, a space, its bytes in hex
///
/// A frame is a letter (`P`: ProcessingRequest, `C`: CheckRequest), four bytes of length with the
/// most significant first, and the message.
@main
enum EnvoyMessages {
  static func main() throws {
    switch CommandLine.arguments.dropFirst() {
    case ["read"]: try read()
    case ["write"]:
      print(Replies.all().map { "\($0.name) \(hex($0.bytes))" }.joined(separator: "\n"))
    default:
      FileHandle.standardError.write(Data("usage: envoy-messages read | write\n".utf8))
      exit(2)
    }
  }

  private static func read() throws {
    let input = [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
    var position = 0
    var lines: [String] = []
    while position < input.count {
      let header = input[position..<position + 5]
      let count = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
      let message = Array(input[position + 5..<position + 5 + count])
      position += 5 + count
      switch header.first {
      case UInt8(ascii: "P"): lines.append(ProcessingRequestReading.json(of: message))
      case UInt8(ascii: "C"): lines.append(CheckRequestReading.json(of: message))
      default: fatalError("a frame of no known kind")
      }
    }
    print(lines.joined(separator: "\n"))
  }
}
