import Ledger
import Shipping

/// JSON lines on descriptor 1. A batch counts as delivered when the pipe, file or terminal has it.
///
/// The descriptor stays blocking, because others may share it: it is written to only when poll(2)
/// says that it takes something, and then no more than PIPE_BUF bytes, which a pipe that is writable
/// takes at once. Whole lines go in one write where they fit, so that an end leaves no half of one.
final class StandardOutputSink: ShipSink {
  /// PIPE_BUF.
  static let writeBytesMax = 4096

  private let descriptor: Int32
  private var pieces: [[UInt8]] = []
  private var isExporting = false
  private var isConnecting = false

  init(descriptor: Int32 = 1) { self.descriptor = descriptor }

  func connect() { isConnecting = true }

  func export(_ batch: ShipBatch) {
    pieces = Self.pieces(of: batch).reversed()
    isExporting = true
  }

  /// The lines in writes of at most `writeBytesMax` bytes.
  static func pieces(of batch: ShipBatch) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var piece: [UInt8] = []
    for line in batch.lines {
      if !piece.isEmpty, piece.count + line.bytes.count + 1 > writeBytesMax {
        pieces.append(piece)
        piece = []
      }
      // A checkpoint's line may be very long: no byte of it is moved more than once.
      var rest = line.bytes[...]
      while rest.count + 1 > writeBytesMax {
        pieces.append(Array(rest.prefix(writeBytesMax)))
        rest = rest.dropFirst(writeBytesMax)
      }
      piece += rest
      piece.append(UInt8(ascii: "\n"))
    }
    if !piece.isEmpty { pieces.append(piece) }
    return pieces
  }

  func disconnect() {
    pieces = []
    isExporting = false
    isConnecting = false
  }

  var polled: Polled? { isExporting ? Polled(descriptor, writes: true) : nil }
  var pollInterval: Duration? { isConnecting ? .zero : nil }

  func proceed(_ polled: Polled?) -> [ShipEvent] {
    if isConnecting {
      isConnecting = false
      return [.connected]
    }
    guard isExporting, polled?.isWritable == true, let piece = pieces.last else { return [] }
    do throws(SystemError) {
      let count = try Kernel.write(descriptor, piece, from: 0)
      pieces.removeLast()
      if count < piece.count { pieces.append(Array(piece[count...])) }
      guard pieces.isEmpty else { return [.progressed] }
      isExporting = false
      return [.answered(.delivered)]
    } catch {
      disconnect()
      return [.lost(error.description)]
    }
  }
}
