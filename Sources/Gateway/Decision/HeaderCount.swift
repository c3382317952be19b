/// How many header fields a request would have, and how many changes Envoy would have to make to
/// them. Beyond `max_headers_count` of either Envoy answers by itself, after the verdict, with a 503 or
/// 500 that says nothing; so such a request is refused before it is admitted.
struct HeaderCount {
  /// The larger of the two.
  let fields: Int

  /// - Parameters:
  ///   - isInspected: a model will be chosen, so its headers are set too.
  init(
    _ head: RequestHead, at filter: HeadDecision.Filter, isInspected: Bool, mayGrow: Bool
  ) {
    var set = HeaderName.ofCaller.count
    if isInspected { set += HeaderName.ofModel.count }
    let removed =
      head.steering.count + head.secrets.count + (isInspected ? head.acceptEncodings.count : 0)
    // Names that may have been hidden from us are removed unseen.
    let removals = removed + (isInspected ? 0 : HeaderName.ofModel.count)
    switch filter {
    case .extProc(let isDuplex):
      // A body that is replaced states its length.
      if isInspected, mayGrow, !isDuplex, head.contentLength == nil { set += 1 }
      // Envoy removes first and counts when all is done.
      fields = max(head.count - removed + set, removals)
    case .extAuthz(let enforces):
      // Here it sets first, and counts before it removes. Without a verdict no route is set.
      if !enforces { set = HeaderName.ofCaller.count - 1 }
      fields = max(head.count + set, removals)
    }
  }
}
