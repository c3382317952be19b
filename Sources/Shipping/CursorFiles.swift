import Bytes
import Ledger

/// The cursors' directory, `DATA/ship`: one file for each target, always replaced as a whole and
/// flushed.
package struct CursorFiles: Sendable {
  /// Its name in the data directory.
  package static let directoryName = "ship"
  /// The file with `service.instance.id`.
  package static let instanceName = "instance"

  private let files: any LedgerFiles

  /// The cursors in that directory.
  package init(_ files: any LedgerFiles) { self.files = files }

  /// What the directory has of a target.
  package enum Found: Equatable, Sendable {
    case none
    case cursor(ShipCursor)
    /// The file cannot be used, and why: the target begins again at the oldest record.
    case unusable(file: String, String)
  }

  /// Reads a target's cursor.
  package func read(_ target: String) -> Found {
    let name = ShipCursor.fileName(of: target)
    let bytes: [UInt8]
    do throws(LedgerFault) {
      bytes = try files.read(name, at: 0, count: ShipCursor.bytesMax)
    } catch {
      return error.isMissingFile ? .none : .unusable(file: name, error.description)
    }
    do throws(ShipCursor.Problem) {
      return .cursor(try ShipCursor(bytes, target: target))
    } catch {
      return .unusable(file: name, error.description)
    }
  }

  /// Puts a target's cursor on disk.
  package func write(_ cursor: ShipCursor) throws(LedgerFault) {
    try files.replace(ShipCursor.fileName(of: cursor.target), with: cursor.bytes)
  }

  /// The id of this ledger's shipper, the same after each restart. With a record's `seq` it
  /// identifies the record, so that receivers can drop repeats. Where there is none, 16 bytes of
  /// `random` make one.
  package func instanceID(random: [UInt8]) throws(LedgerFault) -> String {
    if let instanceID { return instanceID }
    let id = Self.uuid(random)
    try files.replace(Self.instanceName, with: Array("\(id)\n".utf8))
    return id
  }

  /// The same where there is one.
  package var instanceID: String? {
    guard let bytes = try? files.read(Self.instanceName, at: 0, count: 64), bytes.count == 37,
      bytes.last == UInt8(ascii: "\n"),
      bytes.dropLast().allSatisfy({
        Hex.lowercaseValue($0) != nil || $0 == UInt8(ascii: "-")
      })
    else { return nil }
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  /// A UUID of version 4 (RFC 9562).
  package static func uuid(_ random: [UInt8]) -> String {
    precondition(random.count == 16, "a UUID has 16 bytes")
    var bytes = random
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += Hex.string(of: [byte])
    }
    return text
  }

}

extension LedgerFiles {
  /// Replaces a file as a whole: a crash leaves the old one or the new one.
  func replace(_ name: String, with bytes: [UInt8]) throws(LedgerFault) {
    let fresh = name + ".fresh"
    do throws(LedgerFault) {
      try remove(fresh)
    } catch {
      guard error.isMissingFile else { throw error }
    }
    let file = try create(fresh)
    try file.append(bytes)
    try file.synchronize()
    try rename(fresh, to: name)
    try synchronizeNames()
  }
}
