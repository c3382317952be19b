// What Server and the commands need of the gateway.
package import Policy
package import Transport

/// The gateway's half of one loop: routes gRPC methods to ext_proc, ext_authz exchanges. One per loop; not Sendable.
package final class GatewayLoop: CallRouter {
  package init(policy: PolicySnapshot, log: any GatewayLog) { fatalError("unimplemented") }
  /// New exchanges use this policy; those in flight keep theirs.
  package func use(_ policy: PolicySnapshot) { fatalError("unimplemented") }
  package func handler(path: Span<UInt8>) -> (any CallHandler)? { fatalError("unimplemented") }
}

/// Where the gateway reports what an operator must know (misconfiguration, refused modes). Rate-limited by the receiver.
package protocol GatewayLog: Sendable {
  func report(_ level: GatewayLogLevel, _ message: String)
}

package enum GatewayLogLevel: Int, Sendable, Comparable {
  case debug, info, warning, error
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// One request put to a policy by hand: `tollgate explain`.
package struct Explanation: Sendable {
  /// The steps in order: what was looked at and what came out.
  package let steps: [(step: String, outcome: String)]
  /// 200 for an allowed request, else the refusal's HTTP status.
  package let status: Int
  /// The verdict in a line: `allow chat-llama3-8b-v1 …` or the refusal's code and message.
  package let verdict: String
}

extension PolicySnapshot {
  /// Why a request would be decided so. `headers` may hold credentials; none of them reaches the result.
  package func explain(host: String, method: String, path: String, headers: [(name: String, value: String)], body: [UInt8]?, nowSeconds: Int64) -> Explanation {
    fatalError("unimplemented")
  }
}
