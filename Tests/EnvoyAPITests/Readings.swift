/// A `google.protobuf.Value` in memory; numbers by their bits, so that NaN equals itself.
indirect enum Tree: Equatable {
  case null
  case number(UInt64)
  case string([UInt8])
  case bool(Bool)
  case structure([[UInt8]: Tree])
  case list([Tree])
}

/// A header, as name and value.
struct Header: Equatable {
  var name: [UInt8]
  var value: [UInt8]
}

/// Everything the gateway can learn from a `ProcessingRequest`, whoever read it.
struct ProcessingReading: Equatable {
  var phase: Int?
  var headers: [Header] = []
  var body: [UInt8] = []
  var endOfStream = false
  var endOfStreamWithoutMessage = false
  var metadata: [[UInt8]: Tree]?
  var attributes: Tree?
  var observabilityMode = false
  /// The modes of request and response; -1 for an unknown one.
  var modes: [Int]?
}

/// Everything the gateway can learn from a `CheckRequest`, whoever read it.
struct CheckReading: Equatable {
  var principal: [UInt8] = []
  var sourceAddress: [UInt8] = []
  var sourcePort: UInt32 = 0
  var method: [UInt8] = []
  var path: [UInt8] = []
  var host: [UInt8] = []
  var id: [UInt8] = []
  var size: Int64 = 0
  var body: [UInt8] = []
  var rawBody: [UInt8] = []
  var headers: [Header] = []
  var headerMap: [Header]?
  var metadata: [[UInt8]: Tree]?
}

/// Text as C can hold it: protobuf-c's strings end at the first NUL. (That EnvoyAPI keeps what
/// follows is seen in Tests/Compatibility.)
func upToNUL(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }
