import Bytes
import Policy

/// What a policy says of a request's path and host: looked up once, for the decision and for records.
struct RequestPlace {
  let path: PathMatch
  let host: HostOwner

  init(_ head: RequestHead, in bytes: Span<UInt8>, _ policy: PolicySnapshot) {
    path = policy.match(path: bytes.extracting(head.path))
    host = policy.owner(ofHost: bytes.extracting(head.effectiveHost))
  }
}
