import Bytes
import EnvoyAPI

@testable import Gateway

/// A claim as a token has it, to be put into Envoy's metadata.
indirect enum Claim: ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
  case text(String)
  case flag(Bool)
  case list([Claim])
  case object([(String, Claim)])

  init(stringLiteral text: String) { self = .text(text) }
  init(booleanLiteral flag: Bool) { self = .flag(flag) }
  init(arrayLiteral elements: Claim...) { self = .list(elements) }
  init(dictionaryLiteral members: (String, Claim)...) { self = .object(members) }

  /// The fields of a `google.protobuf.Value`.
  func write(_ writer: inout WireWriter) {
    let mark = writer.mark
    switch self {
    case .text(let text): writer.field(3, Array(text.utf8))
    case .flag(let flag): writer.field(4, flag ? 1 : 0)
    case .list(let elements):
      for element in elements.reversed() {
        let value = writer.mark
        element.write(&writer)
        writer.close(1, since: value)
      }
      writer.close(6, since: mark)
    case .object(let members):
      for (name, member) in members.reversed() {
        let value = writer.mark
        member.write(&writer)
        writer.closeStructEntry(Array(name.utf8), since: value)
      }
      writer.close(5, since: mark)
    }
  }

  /// The metadata of a token that jwt_authn verified, with this payload.
  func verified(under key: String = "jwt") -> (inout WireWriter) -> Void {
    { writer in
      EnvoyMessage.namespace("envoy.filters.http.jwt_authn", &writer) { writer in
        let value = writer.mark
        write(&writer)
        writer.closeStructEntry(Array(key.utf8), since: value)
      }
    }
  }
}
