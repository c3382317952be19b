/// Where records are shipped to, and how: one `--ship`.
package struct ShipTarget: Equatable, Sendable, CustomStringConvertible {
  /// Where it is, and what it speaks.
  package enum Place: Hashable, Sendable {
    /// OTLP/gRPC logs over TCP. `host` is a name or a literal address without brackets.
    case otlp(host: String, port: UInt16)
    /// OTLP/gRPC logs over a Unix socket.
    case otlpUnix(path: String)
    /// JSON lines over TCP. `host` as above.
    case tcp(host: String, port: UInt16)
    /// JSON lines on descriptor 1.
    case standardOutput
  }

  /// What happens to records that the target does not have yet when the ledger has reached
  /// `--ledger-max-bytes`.
  package enum OnFull: String, Sendable, CaseIterable {
    /// They are kept, and the gateway refuses requests with 503.
    case hold
    /// The oldest are removed, and a `drop` record says so.
    case drop
  }

  package var place: Place
  package var onFull = OnFull.hold
  package var batch = BatchBounds()
  /// How long connecting may take, and an answer.
  package var timeout = ShippingLimits.attemptTimeout

  /// A target with the default options.
  package init(_ place: Place) { self.place = place }

  /// The target as its cursor, the log and the metrics name it: without options.
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

/// When a batch is shipped: as soon as it reaches one of these limits.
package struct BatchBounds: Equatable, Sendable {
  /// Its records.
  package var recordsMax = ShippingLimits.batchRecordsMax
  /// The length of its lines.
  package var bytesMax = ShippingLimits.batchBytesMax
  /// The age of its first record.
  package var ageMax = ShippingLimits.batchAgeMax

  /// The defaults.
  package init() {}
}
