import Bytes
import Foundation
import Server

/// `tollgate key TENANT`: makes an API key and prints it once, with the stanza for the policy.
enum KeyCommand {
  /// How many random bytes a key has.
  static let randomByteCount = 32
  /// How many days a key is valid where `--expires` is not given.
  static let standardDays = 365
  /// The longest name of a tenant, a key or a subject.
  static let nameBytesMax = 128

  static let specification = CommandSpecification(
    "key", "Makes an API key, prints it once, and the stanza to paste into the policy.",
    positionals: [.init("TENANT")],
    flags: [
      Flag("id", .value("ID"), "the key's name in the policy and the records", default: "random"),
      Flag("subject", .value("SUBJECT"), "who uses it, such as svc:agent-platform"),
      Flag(
        "expires", .value("TIME"),
        "2027-01-01T00:00:00Z, a duration from now such as 90d, or never", default: "365d"),
    ])

  static func run(_ arguments: inout ParsedArguments) -> Int32 {
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    let now = SystemClock.wallNanoseconds() / 1_000_000_000
    let standard = Expiry.at(now + Int64(standardDays) * 86_400)
    let expiry = arguments.value(
      "expires", default: standard,
      expected: "a time to come, such as 2027-01-01T00:00:00Z, 90d or never"
    ) { Expiry($0, nowSeconds: now) }
    let tenant = arguments.positionals[0]
    for (flag, name) in [("id", arguments.text("id")), ("subject", arguments.text("subject"))] {
      guard let name, !isName(name) else { continue }
      arguments.report(.invalid(.flag(flag), value: name, expected: nameRule))
    }
    if !isName(tenant) {
      arguments.report(.invalid(.flag("TENANT"), value: tenant, expected: nameRule))
    }
    if Commands.refuse(arguments, specification) { return ExitStatus.usage }
    do {
      let random = try Kernel.randomBytes(count: randomByteCount)
      let key = "tg_" + base64URL(random)
      let digest = SHA256.digest(of: Array(key.utf8).span)
      let id = try arguments.text("id") ?? "key-" + hex(Kernel.randomBytes(count: 4))
      Console.result(
        text(
          key: key, tenant: tenant, id: id, digest: digest, subject: arguments.text("subject"),
          expiry: expiry))
      return ExitStatus.done
    } catch {
      Console.diagnose("tollgate key: \(error)")
      return ExitStatus.failed
    }
  }

  private static let nameRule = "1 to \(nameBytesMax) printable ASCII characters without spaces"

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= nameBytesMax
      && text.utf8.allSatisfy {
        $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
      }
  }

  private static func text(
    key: String, tenant: String, id: String, digest: SHA256Digest, subject: String?,
    expiry: Expiry
  ) -> String {
    var fields = ["id: \"\(id)\"", "sha256: \"\(digest.hex)\""]
    if let subject { fields.append("subject: \"\(subject)\"") }
    if case .at(let seconds) = expiry {
      fields.append("expires: \"\(UTCTime.string(seconds: seconds))\"")
    }
    return """
      \(key)

      // The key is shown this once and stored nowhere: give it to its caller now.
      // This goes into the policy, under tenants: { "\(tenant)": { keys: [ … ] } }
      { \(fields.joined(separator: ", ")) },
      """
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// base64url without padding (RFC 4648, section 5).
  private static func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}
