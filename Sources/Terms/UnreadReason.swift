/// Why an answer, or a part of it, could not be read for its usage, so that its bytes are charged. Raw
/// values are the metric's label `reason`, which never changes.
package enum UnreadReason: String, Sendable, CaseIterable {
  /// It has a content-encoding, though none was asked for.
  case encoded
  /// It is text that is neither JSON nor server-sent events: `srt`, `vtt`, plain text.
  case text
  /// It is audio, a picture, or other binary data.
  case media
  /// It begins as JSON or as events, and is damaged further on.
  case malformed
  /// It is JSON or events, and neither usage nor text of a known shape is in it.
  case unknownShape = "unknown_shape"
}
