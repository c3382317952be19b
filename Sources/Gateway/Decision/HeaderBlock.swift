import Bytes
import Policy
import Terms

/// The size of a request's header block as it would go on: the number of its fields (or of the changes
/// that Envoy would have to make to them, where those are more), and the most bytes that their names and
/// values may have. Beyond `max_headers_count` and `max_request_headers_kb` Envoy answers by itself,
/// after the verdict, with a 503 or 500 that says nothing; so such a request is refused before it is
/// admitted.
struct HeaderBlock {
  /// What will be set on the request.
  enum Kind {
    /// A path that is not inspected, with the length of its route's name.
    case passed(routeBytes: Int)
    /// A model will be chosen, so its headers are set too. `pathModel`: its place in Azure's path.
    case inspected(pathModel: Range<Int>?)
  }

  let fields: Int
  /// Which model it will be is not known yet: the longest names of the policy are counted.
  let bytes: Int

  init(
    _ head: RequestHead, at filter: HeadDecision.Filter, _ kind: Kind, _ identity: Identity,
    _ policy: CompiledPolicy
  ) {
    let own = policy.ownHeaders
    var set = HeaderName.ofCaller.count
    var setBytes = own.callerBytes(identity)
    var removed = head.steering.count + head.secrets.count
    var removedBytes = head.unwantedBytes
    // Names that may have been hidden from us are removed unseen.
    var unseen = 0
    let isInspected: Bool
    switch kind {
    case .passed(let routeBytes):
      isInspected = false
      setBytes += routeBytes
      unseen = HeaderName.ofModel.count
    case .inspected(let pathModel):
      isInspected = true
      set += HeaderName.ofModel.count
      setBytes += own.modelBytesMax
      if let pathModel { setBytes += max(0, own.pathModelBytesMax - pathModel.count) }
      removed += head.acceptEncodings.count
      removedBytes += head.acceptEncodingBytes
    }
    switch filter {
    case .extProc(let isDuplex):
      // A body that is replaced states its length.
      if isInspected, policy.renames, !isDuplex {
        setBytes += OwnHeaders.contentLengthBytesMax
        if head.contentLength == nil { set += 1 }
      }
      // Envoy removes first and counts when all is done.
      fields = max(head.count - removed + set, removed + unseen)
      bytes = head.byteCount - removedBytes + setBytes
    case .extAuthz(let enforces):
      // Here it sets first, and counts before it removes. Without a verdict no route is set.
      if !enforces {
        set = HeaderName.ofCaller.count - 1
        setBytes = own.callerBytes(identity)
      }
      fields = max(head.count + set, removed + unseen)
      bytes = head.byteCount + setBytes
    }
  }
}
