import CNghttp2

/// HTTP/2 error codes we send or tell apart (RFC 9113, 7).
enum HTTP2ErrorCode {
  static let noError: UInt32 = 0x0
  static let protocolError: UInt32 = 0x1
  static let cancel: UInt32 = 0x8
  static let enhanceYourCalm: UInt32 = 0xb
}

/// One nghttp2 session. The C calls on sessions stand here, each once; nothing is called from a
/// callback that nghttp2 does not allow there (`mem_recv` and `mem_send` above all).
@safe final class HTTP2Session {
  // Made in init, freed in deinit, never nil in between.
  private let handle: OpaquePointer

  /// What the two roles differ in.
  enum Role { case server, client }

  /// A session that announces `settings` and widens the connection's window first of all.
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

  /// Options of both roles: windows are returned by hand, and resets are not rationed, because
  /// Envoy ends its streams with them (our own budget tells abuse apart).
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

  /// The callbacks' user data: `owner` must outlive the session or be detached by its end.
  func attach(_ owner: AnyObject) {
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(owner).toOpaque())
  }

  /// nghttp2 refuses only for want of memory and for our own bugs.
  private func check(_ code: Int32) {
    precondition(code == 0, "nghttp2 refused a submission")
  }

  // MARK: bytes

  /// Feeds bytes; negative when the session cannot go on.
  func receive(_ bytes: Span<UInt8>) -> Int {
    // nghttp2 reads the bytes during the call only; the callbacks note offsets into them.
    unsafe bytes.withUnsafeBufferPointer {
      unsafe nghttp2_session_mem_recv(handle, $0.baseAddress, $0.count)
    }
  }

  /// The next piece of output, handed to `take`; its size, 0 when there is none (or the callback
  /// paused), negative when the session cannot go on.
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

  var wantsRead: Bool { unsafe nghttp2_session_want_read(handle) != 0 }
  var wantsWrite: Bool { unsafe nghttp2_session_want_write(handle) != 0 }

  // MARK: streams

  /// Ties a stream to its call's slot, a number above 0.
  func setSlot(_ slot: Int32, of stream: Int32) {
    unsafe nghttp2_session_set_stream_user_data(
      handle, stream, UnsafeMutableRawPointer(bitPattern: Int(slot)))
  }

  /// The stream's slot, 0 when it has none.
  func slot(of stream: Int32) -> Int32 {
    Int32(Int(bitPattern: unsafe nghttp2_session_get_stream_user_data(handle, stream)))
  }

  /// Response headers; the body comes from `supply` unless that is nil.
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

  /// A request; its stream id.
  func submitRequest(
    _ fields: FieldBlock, slot: Int32, supply: nghttp2_data_source_read_callback
  ) -> Int32 {
    let data = unsafe UnsafeMutableRawPointer(bitPattern: Int(slot))
    var source = unsafe nghttp2_data_provider(
      source: nghttp2_data_source(ptr: data), read_callback: supply)
    return unsafe nghttp2_submit_request(
      handle, nil, fields.start, fields.count, &source, data)
  }

  /// Trailers: HEADERS with END_STREAM.
  func submitTrailers(_ stream: Int32, _ fields: FieldBlock) {
    check(unsafe nghttp2_submit_trailer(handle, stream, fields.start, fields.count))
  }

  /// Goes on with a body whose `supply` had nothing. A stream that is gone is an allowed race.
  func resumeBody(_ stream: Int32) { _ = unsafe nghttp2_session_resume_data(handle, stream) }

  func submitReset(_ stream: Int32, _ code: UInt32) {
    check(unsafe nghttp2_submit_rst_stream(handle, 0, stream, code))
  }

  /// Returns connection window; WINDOW_UPDATE follows when enough has come together.
  func consumeConnection(_ bytes: Int) {
    check(unsafe nghttp2_session_consume_connection(handle, bytes))
  }

  func consumeStream(_ stream: Int32, _ bytes: Int) {
    check(unsafe nghttp2_session_consume_stream(handle, stream, bytes))
  }

  // MARK: the connection's end

  /// GOAWAY with the highest id: no more streams, please (RFC 9113, 6.8).
  func submitShutdownNotice() { check(unsafe nghttp2_submit_shutdown_notice(handle)) }

  func submitPing(_ payload: [UInt8]) {
    precondition(payload.count == 8)
    unsafe payload.withUnsafeBufferPointer {
      check(unsafe nghttp2_submit_ping(handle, 0, $0.baseAddress))
    }
  }

  /// GOAWAY with the last stream that was processed; streams up to it go on.
  func submitFinalGoaway() {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
    check(unsafe nghttp2_submit_goaway(handle, 0, last, HTTP2ErrorCode.noError, nil, 0))
  }

  /// GOAWAY after which nothing is read or written any more.
  func terminate(_ code: UInt32) { check(unsafe nghttp2_session_terminate_session(handle, code)) }
}
