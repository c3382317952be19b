/// Reads a file's lines from front to back; the file is read in pieces of 256 KiB.
struct LineReader {
  /// A line without its newline.
  struct Line {
    let offset: Int64
    let bytes: [UInt8]
    /// Whether it ended with a newline; otherwise the file ended there.
    let isComplete: Bool
  }

  private static let pieceBytes = 256 << 10

  private let files: any LedgerFiles
  private let name: String
  private var buffer: [UInt8] = []
  private var start = 0
  /// The offset in the file of the buffer's first byte.
  private var bufferOffset: Int64

  init(_ files: any LedgerFiles, _ name: String, from offset: Int64 = 0) {
    self.files = files
    self.name = name
    bufferOffset = offset
  }

  /// Where the next line begins.
  var offset: Int64 { bufferOffset + Int64(start) }

  /// The next line; nil at the end. After a line without a newline, the next call starts at the
  /// same line again, so that it is returned whole when the file has grown.
  mutating func next() throws(LedgerProblem) -> Line? {
    var searched = start
    while true {
      if let end = newline(from: searched) {
        let line = Line(offset: offset, bytes: Array(buffer[start..<end]), isComplete: true)
        start = end + 1
        return line
      }
      searched = buffer.count - start
      guard searched <= LedgerLimits.lineBytesMax else {
        throw .damaged(file: name, offset: offset, .lineTooLong)
      }
      if try !fill() {
        if start == buffer.count { return nil }
        return Line(offset: offset, bytes: Array(buffer[start...]), isComplete: false)
      }
    }
  }

  private func newline(from index: Int) -> Int? {
    let bytes = buffer.span
    var at = index
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "\n") { return at }
      at += 1
    }
    return nil
  }

  private mutating func fill() throws(LedgerProblem) -> Bool {
    bufferOffset += Int64(start)
    buffer.removeFirst(start)
    start = 0
    let piece: [UInt8]
    do {
      piece = try files.read(
        name, at: bufferOffset + Int64(buffer.count), count: Self.pieceBytes)
    } catch { throw .files(error) }
    buffer.append(contentsOf: piece)
    return !piece.isEmpty
  }
}
