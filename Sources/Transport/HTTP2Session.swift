import CNghttp2

/// The HTTP/2 error codes that are sent or looked for here (RFC 9113, 7).
enum HTTP2ErrorCode {
  static let noError: UInt32 = 0x0
  static let protocolError: UInt32 = 0x1
  static let refusedStream: UInt32 = 0x7
  static let cancel: UInt32 = 0x8
  static let enhanceYourCalm: UInt32 = 0xb
}

/// One nghttp2 session: every C function on sessions is called here, and in one place.
///
/// On its loop's thread. From inside a callback, only what nghttp2 allows there may be called: not
/// `receive`, and not `nextOutput`.
@safe final class HTTP2Session {
  // Made in init, freed in deinit, never nil in between.
  private let handle: OpaquePointer

  /// Which side of the connection it is.
  enum Role { case server, client }

  /// A session whose first frames announce `settings` and widen the connection's window to
  /// `windowBytes`.
  init(role: Role, callbacks: OpaquePointer, settings: [(id: Int32, value: Int)], windowBytes: Int)
  {
    let option = unsafe Self.makeOption()
    defer { unsafe nghttp2_option_del(option) }
    var made: OpaquePointer?
    let code =
      switch role {
      case .server: unsafe nghttp2_session_server_new2(&made, callbacks, nil, option)
      case .client: unsafe nghttp2_session_client_new2(&made, callbacks, nil, option)
      }
    guard code == 0, let made = unsafe made else { fatalError("nghttp2: out of memory") }
    unsafe handle = made
    let entries = settings.map {
      nghttp2_settings_entry(settings_id: $0.id, value: UInt32($0.value))
    }
    unsafe entries.withUnsafeBufferPointer {
      check(unsafe nghttp2_submit_settings(handle, 0, $0.baseAddress, $0.count))
    }
    check(unsafe nghttp2_session_set_local_window_size(handle, 0, 0, Int32(windowBytes)))
  }

  deinit { unsafe nghttp2_session_del(handle) }

  /// The options of both roles: windows are returned by hand, and nghttp2's own limit on resets is
  /// off, because Envoy ends its streams with them; `AbuseLimits.resets` counts those that do harm.
  private static func makeOption() -> OpaquePointer {
    var option: OpaquePointer?
    guard unsafe nghttp2_option_new(&option) == 0, let option = unsafe option else {
      fatalError("nghttp2: out of memory")
    }
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    unsafe nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 40)
    return unsafe option
  }

  /// Sets the callbacks' user data. `owner` must live as long as the session.
  func attach(_ owner: AnyObject) {
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(owner).toOpaque())
  }

  /// nghttp2 refuses only when memory runs out, and for bugs of ours.
  private func check(_ code: Int32) {
    precondition(code == 0, "nghttp2 refused a submission")
  }

  // MARK: bytes

  /// Has nghttp2 read bytes; negative when the session cannot go on.
  func receive(_ bytes: Span<UInt8>) -> Int {
    // nghttp2 reads the bytes during this call only; the callbacks note offsets into them.
    unsafe bytes.withUnsafeBufferPointer {
      unsafe nghttp2_session_mem_recv(handle, $0.baseAddress, $0.count)
    }
  }

  /// Gives the next piece of output to `take` and returns its size: 0 when there is none or a
  /// callback has paused, negative when the session cannot go on.
  @inline(__always)
  func nextOutput(_ take: (Span<UInt8>) -> Void) -> Int {
    var data: UnsafePointer<UInt8>?
    let count = unsafe nghttp2_session_mem_send(handle, &data)
    if count > 0 {
      // Valid until the next call on the session; `take` copies.
      take(unsafe Span(_unsafeElements: UnsafeBufferPointer(start: data, count: count)))
    }
    return count
  }

  /// Whether the session still needs input.
  var wantsRead: Bool { unsafe nghttp2_session_want_read(handle) != 0 }
  /// Whether there is output.
  var wantsWrite: Bool { unsafe nghttp2_session_want_write(handle) != 0 }

  // MARK: streams

  /// Notes the slot of a stream's call, a number above 0.
  func setSlot(_ slot: Int32, of stream: Int32) {
    unsafe nghttp2_session_set_stream_user_data(
      handle, stream, UnsafeMutableRawPointer(bitPattern: Int(slot)))
  }

  /// The stream's slot, 0 when it has none.
  func slot(of stream: Int32) -> Int32 {
    Int32(Int(bitPattern: unsafe nghttp2_session_get_stream_user_data(handle, stream)))
  }

  /// Submits response headers. The body comes from `supply`; where that is nil, there is none.
  func submitResponse(
    _ stream: Int32, _ fields: FieldBlock, slot: Int32, supply: nghttp2_data_source_read_callback?
  ) {
    var source = unsafe nghttp2_data_provider(
      source: nghttp2_data_source(ptr: UnsafeMutableRawPointer(bitPattern: Int(slot))),
      read_callback: supply)
    if unsafe supply == nil {
      check(unsafe nghttp2_submit_response(handle, stream, fields.start, fields.count, nil))
    } else {
      check(unsafe nghttp2_submit_response(handle, stream, fields.start, fields.count, &source))
    }
  }

  /// Submits a request and returns its stream id; negative where no more streams can be opened.
  func submitRequest(
    _ fields: FieldBlock, slot: Int32, supply: nghttp2_data_source_read_callback
  ) -> Int32 {
    let data = unsafe UnsafeMutableRawPointer(bitPattern: Int(slot))
    var source = unsafe nghttp2_data_provider(
      source: nghttp2_data_source(ptr: data), read_callback: supply)
    return unsafe nghttp2_submit_request(
      handle, nil, fields.start, fields.count, &source, data)
  }

  /// Submits trailers: HEADERS with END_STREAM.
  func submitTrailers(_ stream: Int32, _ fields: FieldBlock) {
    check(unsafe nghttp2_submit_trailer(handle, stream, fields.start, fields.count))
  }

  /// Has nghttp2 ask `supply` for a body again after it had nothing. An error is ignored: the
  /// stream may have been closed meanwhile.
  func resumeBody(_ stream: Int32) { _ = unsafe nghttp2_session_resume_data(handle, stream) }

  /// Submits RST_STREAM.
  func submitReset(_ stream: Int32, _ code: UInt32) {
    check(unsafe nghttp2_submit_rst_stream(handle, 0, stream, code))
  }

  /// Returns bytes of the connection's window. nghttp2 sends WINDOW_UPDATE when enough have come
  /// together.
  func consumeConnection(_ bytes: Int) {
    check(unsafe nghttp2_session_consume_connection(handle, bytes))
  }

  /// The same for a stream's window.
  func consumeStream(_ stream: Int32, _ bytes: Int) {
    check(unsafe nghttp2_session_consume_stream(handle, stream, bytes))
  }

  // MARK: the connection's end

  /// Submits the first GOAWAY of a drain, with the highest stream id: it asks for no more streams
  /// (RFC 9113, 6.8).
  func submitShutdownNotice() { check(unsafe nghttp2_submit_shutdown_notice(handle)) }

  /// Submits a PING with 8 bytes of payload.
  func submitPing(_ payload: [UInt8]) {
    precondition(payload.count == 8)
    unsafe payload.withUnsafeBufferPointer {
      check(unsafe nghttp2_submit_ping(handle, 0, $0.baseAddress))
    }
  }

  /// Submits the second GOAWAY of a drain, with the last stream that was processed; the streams up
  /// to it go on.
  func submitFinalGoaway() {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    check(unsafe nghttp2_submit_goaway(handle, 0, last, HTTP2ErrorCode.noError, nil, 0))
  }

  /// Submits a GOAWAY after which nothing more is read or written.
  func terminate(_ code: UInt32) { check(unsafe nghttp2_session_terminate_session(handle, code)) }
}
