import Bytes
import EnvoyAPI

@testable import Gateway

/// Builds Envoy's messages for these tests; the compatibility tests hold the wire format against the
/// official classes.
enum EnvoyMessage {
  typealias Headers = [(String, String)]

  /// The usual request; later pairs win over these by name.
  static func headers(_ more: Headers = [], without: Set<String> = []) -> Headers {
    let usual: Headers = [
      (":method", "POST"), (":path", "/v1/chat/completions"), (":authority", "a.example.com"),
      ("content-type", "application/json"), ("authorization", "Bearer key-one"),
    ]
    let names = Set(more.map(\.0)).union(without)
    return usual.filter { !names.contains($0.0) } + more
  }

  static func requestHeaders(
    _ headers: Headers, endOfStream: Bool = false,
    modes: (BodyMode, BodyMode)? = (.buffered, .streamed),
    attributes: [String: String] = [:], metadata: ((inout WireWriter) -> Void)? = nil,
    observability: Bool = false
  ) -> [UInt8] {
    message(
      .requestHeaders, attributes: attributes, modes: modes, metadata: metadata,
      observability: observability
    ) { writer in
      if endOfStream { writer.field(3, 1) }
      map(headers, &writer)
    }
  }

  static func responseHeaders(
    _ headers: Headers = [(":status", "200")], attributes: [String: String] = [:],
    flags: Double? = nil, attempts: Double? = nil, endOfStream: Bool = false
  ) -> [UInt8] {
    message(
      .responseHeaders, attributes: attributes,
      numbers: ["response.flags": flags, "upstream.request_attempt_count": attempts]
    ) { writer in
      if endOfStream { writer.field(3, 1) }
      map(headers, &writer)
    }
  }

  static func body(
    _ phase: ProcessingPhase = .requestBody, _ text: String, endOfStream: Bool = true
  ) -> [UInt8] {
    message(phase) { writer in
      if endOfStream { writer.field(2, 1) }
      writer.field(1, Array(text.utf8))
    }
  }

  static func trailers(_ phase: ProcessingPhase, _ headers: Headers = []) -> [UInt8] {
    message(phase) { map(headers, &$0) }
  }

  private static func map(_ headers: Headers, _ writer: inout WireWriter) {
    let map = writer.mark
    for (name, value) in headers.reversed() {
      let header = writer.mark
      writer.field(3, Array(value.utf8))
      writer.field(1, Array(name.utf8))
      writer.close(1, since: header)
    }
    writer.close(1, since: map)
  }

  private static func message(
    _ phase: ProcessingPhase, attributes: [String: String] = [:],
    numbers: [String: Double?] = [:], modes: (BodyMode, BodyMode)? = nil,
    metadata: ((inout WireWriter) -> Void)? = nil, observability: Bool = false,
    _ content: (inout WireWriter) -> Void
  ) -> [UInt8] {
    var writer = WireWriter()
    writer.reset()
    if let modes {
      writer.field(2, UInt64(modes.1.rawValue))
      writer.field(1, UInt64(modes.0.rawValue))
      writer.close(11, since: 0)
    }
    if observability { writer.field(10, 1) }
    let numbers = numbers.compactMapValues { $0 }
    if !attributes.isEmpty || !numbers.isEmpty {
      let entry = writer.mark
      for (name, value) in numbers { writer.structEntry(Array(name.utf8), number: value) }
      for (name, value) in attributes {
        writer.structEntry(Array(name.utf8), string: Array(value.utf8))
      }
      writer.close(2, since: entry)
      writer.field(1, Array("envoy.filters.http.ext_proc".utf8))
      writer.close(9, since: entry)
    }
    if let metadata {
      let mark = writer.mark
      metadata(&writer)
      writer.close(8, since: mark)
    }
    let mark = writer.mark
    content(&writer)
    writer.close(Int(phase.rawValue), since: mark)
    return writer.bytes
  }

  /// `filter_metadata[namespace]`, whose Struct's entries `content` writes.
  static func namespace(
    _ name: String, _ writer: inout WireWriter, _ content: (inout WireWriter) -> Void
  ) {
    let entry = writer.mark
    content(&writer)
    writer.close(2, since: entry)
    writer.field(1, Array(name.utf8))
    writer.close(1, since: entry)
  }

  /// A Struct entry that is a Struct of strings.
  static func structEntry(
    _ name: String, _ fields: [String: String], _ writer: inout WireWriter
  ) {
    let entry = writer.mark
    for (name, value) in fields {
      writer.structEntry(Array(name.utf8), string: Array(value.utf8))
    }
    writer.close(5, since: entry)
    writer.closeStructEntry(Array(name.utf8), since: entry)
  }

  /// `attributes.source.address`.
  enum Source {
    case socket(String, Int)
    case pipe(String)
  }

  static func check(
    _ headers: Headers, body: String? = nil, principal: String = "", rawHeaders: Bool = true,
    rawBody: Bool = false, source: Source? = nil, id: String = "",
    metadata: ((inout WireWriter) -> Void)? = nil
  ) -> [UInt8] {
    var plain = WireWriter()
    plain.reset()
    func value(_ name: String) -> [UInt8] {
      Array((headers.first { $0.0 == name }?.1 ?? "").utf8)
    }
    if let body { plain.field(rawBody ? 12 : 11, Array(body.utf8)) }
    plain.field(5, value(":authority"))
    plain.field(4, value(":path"))
    plain.field(2, value(":method"))
    plain.field(1, Array(id.utf8))
    if rawHeaders {
      let map = plain.mark
      for (name, value) in headers.reversed() {
        let header = plain.mark
        plain.field(3, Array(value.utf8))
        plain.field(1, Array(name.utf8))
        plain.close(1, since: header)
      }
      plain.close(13, since: map)
    } else {
      for (name, value) in headers {
        let entry = plain.mark
        plain.field(2, Array(value.utf8))
        plain.field(1, Array(name.utf8))
        plain.close(3, since: entry)
      }
    }
    plain.close(2, since: 0)
    plain.close(4, since: 0)
    let peer = plain.mark
    if !principal.isEmpty { plain.field(4, Array(principal.utf8)) }
    address(source, &plain)
    plain.close(1, since: peer)
    if let metadata {
      let mark = plain.mark
      metadata(&plain)
      plain.close(11, since: mark)
    }
    plain.close(1, since: 0)
    return plain.bytes
  }

  private static func address(_ source: Source?, _ plain: inout WireWriter) {
    guard let source else { return }
    let address = plain.mark
    switch source {
    case .socket(let host, let port):
      plain.field(3, UInt64(port))
      plain.field(2, Array(host.utf8))
      plain.close(1, since: address)
    case .pipe(let path):
      plain.field(1, Array(path.utf8))
      plain.close(2, since: address)
    }
    plain.close(1, since: address)
  }
}
