/// Where records go, and how: one `--ship`.
package struct ShipTarget: Equatable, Sendable, CustomStringConvertible {
  package enum Place: Hashable, Sendable {
    /// OTLP/gRPC logs over TCP. `host` is a name or a literal address without brackets.
    case otlp(host: String, port: UInt16)
    /// OTLP/gRPC logs over a Unix socket.
    case otlpUnix(path: String)
    /// JSON lines.
    case tcp(host: String, port: UInt16)
    /// JSON lines on descriptor 1.
    case standardOutput
  }

  /// What happens to records that the target has not got when the ledger's bound is reached.
  package enum OnFull: String, Sendable, CaseIterable {
    /// They stay; the gateway answers 503.
    case hold
    /// The oldest go, and that is recorded.
    case drop
  }

  package var place: Place
  package var onFull = OnFull.hold
  package var batch = BatchBounds()
  /// How long an attempt may take.
  package var timeout = ShippingLimits.attemptTimeout

  package init(_ place: Place) { self.place = place }

  /// The target as its cursor and its statistics name it: without options.
  package var description: String {
    switch place {
    case .otlp(let host, let port): "otlp://\(Self.authority(host, port))"
    case .otlpUnix(let path): "otlp+unix:\(path)"
    case .tcp(let host, let port): "tcp://\(Self.authority(host, port))"
    case .standardOutput: "stdout"
    }
  }

  /// `host:port`, with brackets around an IPv6 address (RFC 3986, section 3.2.2).
  package static func authority(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// What ends a batch: whichever comes first.
package struct BatchBounds: Equatable, Sendable {
  package var recordsMax = ShippingLimits.batchRecordsMax
  package var bytesMax = ShippingLimits.batchBytesMax
  package var ageMax = ShippingLimits.batchAgeMax

  package init() {}
}
