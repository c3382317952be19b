import CNghttp2

/// nghttp2's callbacks of a client session, whose user data is the `ClientSession`.
enum ClientCallbacks {
  /// Made once and never freed; nghttp2 copies it into each session.
  nonisolated(unsafe) static let table: OpaquePointer = unsafe makeTable()

  /// Copies a body's next bytes into nghttp2's buffer.
  nonisolated(unsafe) static let supply: nghttp2_data_source_read_callback = {
    _, _, buffer, length, flags, source, user in
    let slot = Int32(Int(bitPattern: unsafe source!.pointee.ptr))
    guard let call = unsafe owner(user).call(slot: slot) else {
      return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
    let supplied = call.supply(limit: length) { bytes in
      unsafe bytes.withUnsafeBytes {
        unsafe UnsafeMutableRawPointer(buffer!).copyMemory(
          from: $0.baseAddress!, byteCount: $0.count)
      }
    }
    guard let supplied else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    if supplied.isLast { unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
    return supplied.count
  }

  private static func makeTable() -> OpaquePointer {
    var made: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&made) == 0, let table = unsafe made else {
      fatalError("nghttp2: out of memory")
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
      _, frame, name, nameCount, value, valueCount, _, user in
      // Both are nghttp2's own buffers, alive during the callback.
      let name = unsafe Span(
        _unsafeElements: UnsafeBufferPointer(start: name, count: nameCount))
      let value = unsafe Span(
        _unsafeElements: UnsafeBufferPointer(start: value, count: valueCount))
      unsafe owner(user).call(of: unsafe frame!.pointee.hd.stream_id)?.header(name, value)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
      _, _, stream, data, count, user in
      let bytes = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: data, count: count))
      unsafe owner(user).data(stream, bytes)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, user in
      if unsafe UInt32(frame!.pointee.hd.type) == NGHTTP2_GOAWAY.rawValue {
        unsafe owner(user).goneAway()
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, user in
      if unsafe UInt32(frame!.pointee.hd.type) == NGHTTP2_HEADERS.rawValue {
        unsafe owner(user).call(of: unsafe frame!.pointee.hd.stream_id)?.requestSent()
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) {
      _, stream, code, user in
      unsafe owner(user).closed(stream, code)
      return 0
    }
    return unsafe table
  }
}

/// The session's owner, which lives as long as nghttp2's session, because it owns it.
private func owner(_ user: UnsafeMutableRawPointer?) -> ClientSession {
  unsafe Unmanaged<ClientSession>.fromOpaque(user!).takeUnretainedValue()
}
