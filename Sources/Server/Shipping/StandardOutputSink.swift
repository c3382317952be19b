import Ledger
import Shipping

/// Ships JSON lines to descriptor 1. A batch counts as delivered when the pipe, file or terminal
/// has taken it.
///
/// The descriptor stays blocking, because other processes may share it. So it is written to only
/// when poll(2) reports it writable, and then at most PIPE_BUF bytes, which a writable pipe takes
/// without blocking. Lines that fit are written whole, so that the end of the process leaves no
/// half of one.
///
/// On its target's thread.
final class StandardOutputSink: ShipSink {
  /// PIPE_BUF: the most bytes of one write.
  static let writeBytesMax = 4096

  private let descriptor: Int32
  /// What is left of the batch, in writes; the next one is last.
  private var pieces: [[UInt8]] = []
  private var isExporting = false
  private var isConnecting = false

  /// Ships to that descriptor.
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
      // A checkpoint's line may be very long, so each of its bytes is copied only once.
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
