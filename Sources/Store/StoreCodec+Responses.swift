import Redis

/// Who was given a response id, as the store keeps it.
package struct StoredResponse: Sendable, Equatable {
  package let tenant: String
  /// The model route that gave the answer.
  package let route: String
  /// All tokens of the exchange that gave it; 0 while they are not known.
  package let tokens: Int64

  package init(tenant: String, route: String, tokens: Int64) {
    self.tenant = tenant
    self.route = route
    self.tokens = tokens
  }
}

extension StoreCodec {
  /// How long the store knows a response id.
  package static let responseMilliseconds: Int64 = 30 * 86_400_000
  /// The longest value.
  private static let responseBytesMax = 512

  /// Remembers who was given a response id, by 32 digits of the id's hash; nil where a name cannot be
  /// written: no policy has such.
  package static func remember(_ response: StoredResponse, id: String) -> [[UInt8]]? {
    guard isName(response.tenant), isName(response.route), response.tokens >= 0 else { return nil }
    let value = Array("\(response.tokens) \(response.tenant) \(response.route)".utf8)
    guard value.count <= responseBytesMax else { return nil }
    return [
      Array("SET".utf8), StoreKeys.response(id), value, Array("PX".utf8),
      Array(String(responseMilliseconds).utf8),
    ]
  }

  package static func recall(id: String) -> [[UInt8]] {
    [Array("GET".utf8), StoreKeys.response(id)]
  }

  /// Who was given the id; nil where the store does not know it.
  package static func recalled(_ value: RESPValue) throws(StoreFailure) -> StoredResponse? {
    switch value {
    case .error(let error): throw .error(error)
    case .null: return nil
    case .string(let bytes):
      let fields = String(decoding: bytes, as: UTF8.self).split(
        separator: " ", omittingEmptySubsequences: false)
      guard bytes.count <= responseBytesMax, fields.count == 3, let tokens = Int64(fields[0]),
        tokens >= 0, isName(String(fields[1])), isName(String(fields[2]))
      else { throw .notOurs }
      return StoredResponse(
        tenant: String(fields[1]), route: String(fields[2]), tokens: tokens)
    default: throw .notOurs
    }
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
  }
}
