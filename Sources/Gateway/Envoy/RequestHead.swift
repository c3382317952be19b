import Bytes
import Policy

/// What the gateway needs of a request's headers: ranges in the bytes they were read from.
struct RequestHead {
  /// The number of credential headers a policy may name.
  static let credentialHeadersMax = 8

  var method = 0..<0
  var path = 0..<0
  var authority = 0..<0
  private var host: Range<Int>?
  private var pseudoRepeated = false

  var contentType = 0..<0
  private(set) var contentTypeCount = 0
  private(set) var isContentEncoded = false
  /// nil where there is none; −1 where it is not a number or is given twice.
  private(set) var contentLength: Int?
  private(set) var hasUpgrade = false
  /// `anthropic-version` is there: whoever asks for models speaks Anthropic's dialect.
  private(set) var hasAnthropicVersion = false
  /// Header fields, pseudo-headers and those that Envoy added among them, as Envoy counts them.
  private(set) var count = 0
  /// The bytes of their names and values, as Envoy counts them; of those whose names are in
  /// `steering` or `secrets`; and of those in `acceptEncodings`.
  private(set) var byteCount = 0
  private(set) var unwantedBytes = 0
  private(set) var acceptEncodingBytes = 0
  /// For records.
  private(set) var traceparent = 0..<0
  private(set) var envoyRequestID = 0..<0
  /// ext_authz: Envoy gave only the beginning of the body.
  private(set) var isPartialBody = false
  /// The values of the policy's credential headers, by their place in its list.
  private(set) var credentials = InlineArray<8, Range<Int>>(repeating: 0..<0)
  /// Bit i: the header is there. `credentialsRepeated`: it is there again.
  private(set) var credentialsPresent: UInt8 = 0
  private(set) var credentialsRepeated: UInt8 = 0
  /// The names of headers that steer what stands behind us: none is a client's to send.
  private(set) var steering = HeaderNameList()
  /// The names of headers that may hold a credential, whichever the caller was recognised by.
  private(set) var secrets = HeaderNameList()
  private(set) var acceptEncodings = HeaderNameList()
  /// The values of the headers that some model's stickiness goes by, by their place in the list.
  private(set) var sticky: [(index: Int, value: Range<Int>)] = []

  init() {}

  /// Whether `:method`, `:path` or the host was given twice or with two meanings.
  func isAmbiguous(in bytes: Span<UInt8>) -> Bool {
    if pseudoRepeated { return true }
    guard let host, !authority.isEmpty else { return false }
    return !bytes.extracting(host).elementsEqual(bytes.extracting(authority))
  }

  /// `:authority`, or `host` where there is none.
  var effectiveHost: Range<Int> { authority.isEmpty ? host ?? 0..<0 : authority }

  @inline(__always)
  mutating func add(
    name: Range<Int>, value: Range<Int>, in bytes: Span<UInt8>, names: PolicyHeaderNames
  ) {
    count += 1
    byteCount += name.count + value.count
    let text = bytes.extracting(name)
    let unwanted = steering.count + secrets.count
    if names.lengths & PolicyHeaderNames.bit(ofLength: text.count) != 0 {
      addNamed(text, name: name, value, names)
    }
    addKnown(text, name: name, value: value, in: bytes)
    if steering.count + secrets.count > unwanted { unwantedBytes += name.count + value.count }
  }

  /// A header whose name is as long as a credential's or one that the policy names.
  private mutating func addNamed(
    _ text: Span<UInt8>, name: Range<Int>, _ value: Range<Int>, _ names: PolicyHeaderNames
  ) {
    if names.isSecret(text) { secrets.append(name) }
    for index in names.credentials.indices
    where text.elementsEqual(names.credentials[index]) {
      addCredential(index, value)
    }
    for index in names.sticky.indices where text.elementsEqual(names.sticky[index]) {
      sticky.append((index, value))
    }
  }

  private mutating func addCredential(_ index: Int, _ value: Range<Int>) {
    let bit = UInt8(1) << UInt8(index)
    if credentialsPresent & bit != 0 { credentialsRepeated |= bit }
    credentialsPresent |= bit
    credentials[index] = value
  }

  /// Compares lengths first, because most headers are none of these.
  private mutating func addKnown(
    _ text: Span<UInt8>, name: Range<Int>, value: Range<Int>, in bytes: Span<UInt8>
  ) {
    switch text.count {
    case 4 where text.elementsEqual(Self.hostName):
      if host != nil { pseudoRepeated = true }
      host = value
    case 5 where text.elementsEqual(HeaderName.path): path = setOnce(path, value)
    case 7 where text.elementsEqual(Self.methodName): method = setOnce(method, value)
    case 7 where text.elementsEqual(Self.upgradeName): hasUpgrade = true
    case 9 where text.elementsEqual(Self.protocolName): hasUpgrade = true
    case 10 where text.elementsEqual(Self.authorityName): authority = setOnce(authority, value)
    case 11 where text.elementsEqual(Self.traceparentName): traceparent = value
    case 12 where text.elementsEqual(Self.requestIDName): envoyRequestID = value
    case 12 where text.elementsEqual(HeaderName.contentType):
      contentTypeCount += 1
      contentType = value
    case 14 where text.elementsEqual(HeaderName.contentLength):
      contentLength = contentLength == nil ? Self.number(bytes.extracting(value)) : -1
    case 15 where text.elementsEqual(HeaderName.acceptEncoding):
      acceptEncodings.append(name)
      acceptEncodingBytes += name.count + value.count
    case 16 where text.elementsEqual(Self.contentEncodingName):
      if !bytes.extracting(value).elementsEqual(Self.identity) { isContentEncoded = true }
    case 17 where text.elementsEqual(Self.anthropicVersionName): hasAnthropicVersion = true
    case 25 where text.elementsEqual(Self.partialBodyName):
      isPartialBody = bytes.extracting(value).elementsEqual(Self.yes)
    default:
      if SteeringHeader.isSpelled(text) { steering.append(name) }
    }
  }

  private mutating func setOnce(_ place: Range<Int>, _ value: Range<Int>) -> Range<Int> {
    if !place.isEmpty { pseudoRepeated = true }
    return value
  }

  private static func number(_ text: Span<UInt8>) -> Int {
    guard !text.isEmpty, text.count <= 15 else { return -1 }
    var value = 0
    for index in text.indices {
      guard text[index] >= 0x30, text[index] <= 0x39 else { return -1 }
      value = value * 10 + Int(text[index] & 0x0f)
    }
    return value
  }

  private static let traceparentName: StaticString = "traceparent"
  private static let requestIDName: StaticString = "x-request-id"
  private static let hostName: StaticString = "host"
  private static let methodName: StaticString = ":method"
  private static let upgradeName: StaticString = "upgrade"
  private static let protocolName: StaticString = ":protocol"
  private static let authorityName: StaticString = ":authority"
  private static let contentEncodingName: StaticString = "content-encoding"
  private static let anthropicVersionName: StaticString = "anthropic-version"
  private static let partialBodyName: StaticString = "x-envoy-auth-partial-body"
  private static let identity: StaticString = "identity"
  private static let yes: StaticString = "true"
}

/// The header names that a policy asks for, and those of any credential, as bytes.
final class PolicyHeaderNames: Sendable {
  let credentials: [[UInt8]]
  /// Whether each is `authorization`, whose value has a scheme.
  let hasScheme: [Bool]
  let sticky: [[UInt8]]
  /// A verified JWT is a credential too, and stands in `authorization` where no key does: the filter
  /// that verifies it may come behind ext_authz.
  let hasToken: Bool
  /// Every header that may hold a credential: the policy's, and `HeaderName.credentials`.
  private let secrets: [[UInt8]]
  /// The lengths of all these names, a bit for each: most headers are ruled out by theirs.
  let lengths: UInt64

  /// Lengths from 63 on share a bit.
  @inline(__always)
  static func bit(ofLength length: Int) -> UInt64 { 1 << UInt64(min(length, 63)) }

  init(_ policy: PolicySnapshot) {
    let names = policy.apiKeyHeaders.prefix(RequestHead.credentialHeadersMax)
    credentials = names.map { Array($0.utf8) }
    hasScheme = names.map { $0 == "authorization" }
    hasToken = !policy.jwt.isEmpty && !names.contains("authorization")
    let others = HeaderName.credentials.filter { !names.contains($0) }
    secrets = credentials + others.map { Array($0.utf8) }
    var sticky: [[UInt8]] = []
    for model in policy.models {
      if case .header(let name) = model.sticky, !sticky.contains(Array(name.utf8)) {
        sticky.append(Array(name.utf8))
      }
    }
    self.sticky = sticky
    lengths = (secrets + sticky).reduce(0) { $0 | Self.bit(ofLength: $1.count) }
  }

  /// Whether a header of this name may hold a credential. In any spelling: what is no credential
  /// here may be one where `_` is taken for `-`.
  func isSecret(_ name: Span<UInt8>) -> Bool {
    for known in secrets where known.count == name.count && name.startsAsHeader(known) {
      return true
    }
    return false
  }
}
