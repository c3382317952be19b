import Bytes
import CNghttp2

/// nghttp2's callbacks of a server session. They only have the `ServerSession`, which is the
/// session's user data, record what happened.
///
/// They must stay in a library target and nonisolated: in main.swift each call would check for the
/// main actor.
enum ServerCallbacks {
  /// Made once and never freed; nghttp2 copies it into each session.
  nonisolated(unsafe) static let table: OpaquePointer = unsafe makeTable()

  /// Says how many bytes of a body come next; the send callback copies them.
  nonisolated(unsafe) static let supply: nghttp2_data_source_read_callback = {
    _, _, _, length, flags, source, user in
    unsafe owner(user)._withUnsafeGuaranteedRef { session in
      let slot = Int32(Int(bitPattern: unsafe source!.pointee.ptr))
      let noCopy = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
      switch session.supply(slot: slot, limit: length) {
      case .bytes(let count):
        unsafe flags!.pointee |= noCopy
        return count
      case .last(let count, let endsStream):
        unsafe flags!.pointee |= noCopy | NGHTTP2_DATA_FLAG_EOF.rawValue
        if !endsStream { unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue }
        return count
      case .deferred: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
      case .gone: return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
      }
    }
  }

  private static func makeTable() -> OpaquePointer {
    var made: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&made) == 0, let table = unsafe made else {
      fatalError("nghttp2: out of memory")
    }
    unsafe setReceiving(table)
    unsafe setSending(table)
    return unsafe table
  }

  private static func setReceiving(_ table: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, user in
      unsafe owner(user)._withUnsafeGuaranteedRef {
        $0.headersBegan(stream: unsafe frame!.pointee.hd.stream_id)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
      _, frame, name, nameCount, value, valueCount, _, user in
      // Both are nghttp2's own buffers, alive during the callback.
      let name = unsafe Span(
        _unsafeElements: UnsafeBufferPointer(start: name, count: nameCount))
      let value = unsafe Span(
        _unsafeElements: UnsafeBufferPointer(start: value, count: valueCount))
      return unsafe owner(user)._withUnsafeGuaranteedRef {
        $0.header(name, value) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
      }
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
      _, _, stream, data, count, user in
      unsafe owner(user)._withUnsafeGuaranteedRef {
        $0.data(stream: stream, at: UInt(bitPattern: data), count: count)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, user in
      unsafe owner(user)._withUnsafeGuaranteedRef { unsafe received(frame!, $0) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) { _, stream, _, user in
      unsafe owner(user)._withUnsafeGuaranteedRef { $0.streamClosed(stream) }
      return 0
    }
  }

  private static func setSending(_ table: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_send_data_callback(table) {
      _, _, header, count, source, user in
      unsafe owner(user)._withUnsafeGuaranteedRef {
        let slot = Int32(Int(bitPattern: unsafe source!.pointee.ptr))
        // The frame's header of 9 bytes, alive during the callback. We send no padding.
        let header = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: header, count: 9))
        let isFull = $0.sendBody(slot: slot, count: count, header: header)
        return isFull ? NGHTTP2_ERR_PAUSE.rawValue : 0
      }
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, user in
      let frame = unsafe frame!
      let type = unsafe UInt32(frame.pointee.hd.type)
      let stream = unsafe frame.pointee.hd.stream_id
      if type == NGHTTP2_RST_STREAM.rawValue {
        unsafe owner(user)._withUnsafeGuaranteedRef {
          $0.resetSent(code: unsafe frame.pointee.rst_stream.error_code)
        }
      } else if type <= NGHTTP2_HEADERS.rawValue,
        unsafe UInt32(frame.pointee.hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
      {
        unsafe owner(user)._withUnsafeGuaranteedRef { $0.trailersSent(stream: stream) }
      }
      return 0
    }
  }
}

/// The session's owner, which lives as long as nghttp2's session, because it owns it.
@inline(__always)
private func owner(_ user: UnsafeMutableRawPointer?) -> Unmanaged<ServerSession> {
  unsafe Unmanaged.fromOpaque(user!)
}

/// Records a frame that has come. The bytes of DATA came before, so only its end matters here.
@inline(__always)
private func received(
  _ frame: UnsafePointer<nghttp2_frame>, _ session: ServerSession
) {
  let header = unsafe frame.pointee.hd
  let endsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
  switch UInt32(header.type) {
  case NGHTTP2_DATA.rawValue:
    if endsStream {
      session.streamEnded(header.stream_id)
    } else if unsafe header.length == frame.pointee.data.padlen {
      session.controlFrameReceived()
    }
  case NGHTTP2_HEADERS.rawValue:
    let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
    session.headersEnded(stream: header.stream_id, isRequest: isRequest, endsStream: endsStream)
  case NGHTTP2_RST_STREAM.rawValue:
    unsafe session.resetReceived(header.stream_id, code: frame.pointee.rst_stream.error_code)
  case NGHTTP2_PING.rawValue where UInt32(header.flags) & NGHTTP2_FLAG_ACK.rawValue != 0:
    let isOurs = unsafe withUnsafeBytes(of: frame.pointee.ping.opaque_data) {
      unsafe $0.elementsEqual(ServerSession.drainPing)
    }
    session.pingAnswered(isOurs: isOurs)
  case NGHTTP2_SETTINGS.rawValue:
    session.settingsReceived(isAnswer: UInt32(header.flags) & NGHTTP2_FLAG_ACK.rawValue != 0)
  case NGHTTP2_PRIORITY.rawValue, NGHTTP2_WINDOW_UPDATE.rawValue, NGHTTP2_PING.rawValue:
    session.controlFrameReceived()
  default: break
  }
}

extension nghttp2_settings_id {
  /// The setting's identifier as SETTINGS entries carry it.
  var id: Int32 { Int32(bitPattern: rawValue) }
}
