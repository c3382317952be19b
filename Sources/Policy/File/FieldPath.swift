/// The path of a value from the policy's top: `tenants.tenant-a.limits[2]`. A linked list of steps, so
/// that the text is only made for a message.
final class FieldPath: Sendable, CustomStringConvertible {
  private enum Step: Sendable {
    case top
    case key(String)
    case index(Int)
  }

  private let parent: FieldPath?
  private let step: Step

  static let top = FieldPath(parent: nil, step: .top)

  private init(parent: FieldPath?, step: Step) {
    self.parent = parent
    self.step = step
  }

  func appending(_ key: String) -> FieldPath { FieldPath(parent: self, step: .key(key)) }
  func appending(_ index: Int) -> FieldPath { FieldPath(parent: self, step: .index(index)) }

  var description: String {
    let before = parent?.description ?? ""
    switch step {
    case .top: return ""
    case .index(let index): return "\(before)[\(index)]"
    case .key(let key):
      // A key with other characters is put in brackets: one with a dot would read like two steps.
      let isPlain = key.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
      if isPlain, !key.isEmpty { return before.isEmpty ? key : "\(before).\(key)" }
      return "\(before)[\"\(quoted(key).dropFirst().dropLast())\"]"
    }
  }
}
