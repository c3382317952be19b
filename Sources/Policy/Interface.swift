// The shape the gateway builds on. Split into files as the pieces grow.
import Hashing

/// The team that pays. Never a bare `String` across targets.
package struct TenantID: Hashable, Sendable { package let name: String }
/// A policy's canonical model name.
package struct ModelName: Hashable, Sendable { package let name: String }

/// A piece of text that goes into replies: kept as text and as the bytes that are written.
package struct HeaderText: Hashable, Sendable {
  package let string: String
  package let bytes: [UInt8]
  package init(_ string: String) { self.string = string; self.bytes = Array(string.utf8) }
}

/// The endpoints whose requests Tollgate understands (design, section 3).
package enum Endpoint: UInt8, CaseIterable, Sendable, Hashable {
  case chatCompletions, completions, embeddings, responses, messages, countTokens, rerank,
    moderations, imageGenerations, audioSpeech, audioTranscriptions, audioTranslations
}

/// What a request's path is.
package enum PathMatch: Equatable, Sendable {
  /// A known endpoint, itself, by `path_aliases`, or by Azure's
  /// `/openai/deployments/{model}/…`; then `azureModel` is the range of the name in the path.
  case endpoint(Endpoint, azureModel: Range<Int>?)
  /// `GET /v1/models`
  case modelList
  /// `GET /v1/models/{id}`: the range of the id in the path.
  case modelDetail(id: Range<Int>)
  /// A path that some tenant's `allow` lists with `route:`; the index into `customPaths`.
  case custom(Int)
  /// None of these, or a path with `%2f`, `..`, `//`, `;`, a control byte.
  case unknown
}

package enum HostOwner: Equatable, Sendable {
  case tenant(Int)   // index into `tenants`
  case shared        // in `shared_hostnames`, or any host that is nobody's where that is absent
  case nobody        // shared_hostnames is given and this host is in it for nobody
}

package struct TrafficClass: Sendable { // fields as in design section 3
  package let name: HeaderText
  package let inferenceObjective: HeaderText   // name with `-` for `_`
  package let latencySensitive: Bool
  package let streaming: Bool
  package let retryFriendly: Bool
  package let maxConcurrent: Int?
}

package struct ModelRoute: Sendable {
  package let name: HeaderText
  package let weight: Int
  package let upstreamModel: HeaderText?
}

package enum Stickiness: Sendable, Equatable { case request, subject, header(String) /* lowercased */ }
package enum StreamUsage: Sendable, Equatable { case inject, asAsked, continuous }

/// Prices in nano-dollars per token (per request for `perRequest`): integers, exact.
package struct Prices: Sendable, Equatable {
  package let promptNanos, cachedPromptNanos, cacheWritePromptNanos, completionNanos: Int64
  package let perRequestNanos: Int64
}

package final class Model: Sendable {
  package let index: Int
  package let name: HeaderText
  package let aliases: [String]
  package let trafficClass: TrafficClass
  package let routes: [ModelRoute]
  package let totalWeight: Int
  package let sticky: Stickiness
  package let paths: Set<Endpoint>?      // nil: any endpoint the tenant may use
  package let maxOutputTokens: Int?
  package let streamUsage: StreamUsage
  package let prices: Prices?
  init() { fatalError() }

  /// The route for a draw: uniform when `draw` is. The same draw gives the same route in every process.
  package func route(draw: UInt64) -> Int { fatalError("unimplemented") }
  /// The draw for a sticky key: the first 8 bytes (big-endian) of SHA-256(model name, 0x00, key).
  package func stickyDraw(key: Span<UInt8>) -> UInt64 { fatalError("unimplemented") }
}

package struct APIKey: Sendable {
  package let id: HeaderText
  package let digest: SHA256Digest
  package let subject: HeaderText        // `key:<id>` where the policy gives none
  package let expiresSeconds: Int64?      // Unix time
  package let disabled: Bool
  package let limits: [Limit]
  package let modelPatterns: [String]?
}

package struct Limit: Sendable, Equatable { // every field of section 3, validated
  package enum Kind: Sendable, Equatable { case requests, tokens, promptTokens, completionTokens, usd, concurrent }
  package enum Period: Sendable, Equatable { case second, minute, hour, day, week, month }
  package enum Scope: Sendable, Equatable { case tenant, key, subject }
  package enum StoreLoss: Sendable, Equatable { case deny, local, allow }
  package let name: String
  package let kind: Kind
  package let amount: Int64               // nano-dollars for usd
  package let per: Period?
  package let burst: Int64?
  package let scope: Scope
  package let models: [String]?           // patterns
  package let onStoreLoss: StoreLoss
}

/// What a tenant (or a key of it) may do on one path.
package struct ModelSet: Sendable, Equatable {
  /// Bit i: the model with index i.
  package var words: [UInt64]
  package func contains(_ index: Int) -> Bool { index >> 6 < words.count && words[index >> 6] >> UInt64(index & 63) & 1 == 1 }
}

package final class Tenant: Sendable {
  package let index: Int
  package let name: HeaderText
  package let keys: [APIKey]
  package let limits: [Limit]
  init() { fatalError() }
  /// Models this tenant may use at `endpoint`; nil where no `allow` entry lists the path. Precomputed: O(1).
  package func models(at endpoint: Endpoint) -> ModelSet? { fatalError("unimplemented") }
  /// The `route:` of an allowed uninspected path; nil where it is not this tenant's.
  package func route(forCustomPath index: Int) -> HeaderText? { fatalError("unimplemented") }
  /// Narrowing by a key's own `models`; nil where the key has none. Precomputed.
  package func models(ofKey index: Int) -> ModelSet? { fatalError("unimplemented") }
}

package struct KeyReference: Sendable, Equatable { package let tenant: Int; package let key: Int }

package struct JWTIssuer: Sendable, Equatable {
  package let issuer: String
  package let metadataKey: String
  package let tenantClaim: String
  package let subjectClaim: String
}

package enum EnforcementPoint: Sendable { case extProc, extAuthz }

/// A validated policy, compiled for look-ups; immutable, shared by every loop.
package final class PolicySnapshot: Sendable {
  package let revision: String            // first 12 hex digits of SHA-256 over the sources
  package let timeZone: String
  package let maxBodyBytes: Int
  package let enforceAt: EnforcementPoint
  package let apiKeyHeaders: [String]     // lowercased
  package let jwt: [JWTIssuer]
  package let clientCertificates: Bool
  package let tenants: [Tenant]
  package let models: [Model]
  package let limits: [Limit]
  package let customPaths: [String]
  init() { fatalError() }

  package func key(_ digest: SHA256Digest) -> KeyReference? { fatalError("unimplemented") }
  package func tenant(named name: Span<UInt8>) -> Tenant? { fatalError("unimplemented") }
  package func model(named name: Span<UInt8>) -> Model? { fatalError("unimplemented") }  // canonical or alias
  /// Case, port and one trailing dot do not matter; a malformed host is nobody's even where any host is shared.
  package func owner(ofHost host: Span<UInt8>) -> HostOwner { fatalError("unimplemented") }
  /// The tenant whose `principals` match (`*` stops at `/`; elsewhere exact); nil for none or more than one.
  package func tenant(ofPrincipal uri: Span<UInt8>) -> Tenant? { fatalError("unimplemented") }
  /// `path` is the request's :path; the query is removed here.
  package func match(path: Span<UInt8>) -> PathMatch { fatalError("unimplemented") }
}

/// One file of a policy, with its bytes.
package struct PolicySource: Sendable { package let name: String; package let bytes: [UInt8]
  package init(name: String, bytes: [UInt8]) { self.name = name; self.bytes = bytes } }

/// A fault in a policy, with its place and its remedy.
package struct PolicyProblem: Sendable, Equatable, CustomStringConvertible {
  package enum Severity: String, Sendable { case error, warning }
  package let severity: Severity
  package let file: String
  package let line: Int       // from 1
  package let column: Int     // from 1, in characters
  package let path: String    // tenants.tenant-a.limits[2]; "" for the file itself
  package let message: String
  package var description: String { fatalError("unimplemented") }   // file:line:column: error: path: message
}

package enum PolicyLoader {
  /// Parses, merges, validates and compiles. `policy` is nil exactly when a problem is an error.
  package static func load(_ sources: [PolicySource], nowSeconds: Int64) -> (policy: PolicySnapshot?, problems: [PolicyProblem]) {
    fatalError("unimplemented")
  }
}
