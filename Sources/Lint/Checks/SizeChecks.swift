extension Checks {
  /// Tollgate's own limits that must be below a limit of the pod.
  static let sizeChecks = [
    Check(
      "ledger-above-volume", .error, each: \.pods,
      "The ledger may grow larger than its volume: the disk is full before the limit is reached, and then all requests are refused.",
      remedy: "set --ledger-max-bytes below the volume's size, or make the volume larger"
    ) { pod, context, report in
      guard let bound = pod.setting("ledger-max-bytes").flatMap(Amount.flagBytes),
        let size = dataSize(pod, context), let most = size.byteCount, bound > most
      else { return }
      let what = "it is \(bound.sizeText), but \(size.object) has only \(most.sizeText)"
      report(pod.settings["ledger-max-bytes"]?.last, what)
    },
    Check(
      "config-map-size", .error, each: \.configMaps,
      "A ConfigMap is too large: above 256 KiB `kubectl apply` refuses it, above 1 MiB Kubernetes does.",
      remedy:
        "above 256 KiB use `kubectl apply --server-side`; near 1 MiB split it into several ConfigMaps, mounted as one directory by a projected volume"
    ) { map, _, report in
      let bytes = Int64(map.root.allTexts.reduce(0) { $0 + $1.text.utf8.count })
      if bytes > configMapBytesMax - configMapBytesMax / 20 {
        report(map.root, "it has \(bytes.sizeText); Kubernetes takes \(configMapBytesMax.sizeText)")
      } else if bytes > appliedBytesMax {
        report(
          map.root, "it has \(bytes.sizeText); `kubectl apply` takes \(appliedBytesMax.sizeText)",
          severity: .warning)
      }
    },
    Check(
      "memory-limit", .error, each: \.pods,
      "Tollgate may buffer more bytes of bodies than the container's memory limit: instead of refusing a request it is killed, and all exchanges fail.",
      remedy: "set --max-buffer-bytes well below the memory limit, or raise the limit"
    ) { pod, _, report in
      let limit = pod.container.at("resources.limits.memory")
      if let buffers = pod.setting("max-buffer-bytes").flatMap(Amount.flagBytes),
        let most = limit.byteCount, buffers >= most
      {
        report(limit, "it is \(most.sizeText), but --max-buffer-bytes is \(buffers.sizeText)")
      }
    },
  ]

  /// What Kubernetes takes of annotations, in one of which client-side apply keeps the object.
  private static let appliedBytesMax: Int64 = 262_144
  private static let configMapBytesMax: Int64 = 1_048_576

  /// The size of the volume of the ledger; nil where it is not written.
  private static func dataSize(_ pod: TollgatePod, _ context: LintContext) -> Field? {
    let volume = pod.dataVolume
    let name = volume?.at("persistentVolumeClaim.claimName").text
    let claim = context.set.resource("PersistentVolumeClaim", name, in: pod.namespace)
    let template = pod.resource.spec["volumeClaimTemplates"].items.first {
      $0.at("metadata.name").text == pod.dataMount?["name"].text
    }
    let claims = [claim?.root, template, volume?.at("ephemeral.volumeClaimTemplate")]
    let sizes = claims.map { $0?.at("spec.resources.requests.storage") }
    return (sizes + [volume?.at("emptyDir.sizeLimit")]).compactMap { $0 }
      .first { $0.byteCount != nil }
  }
}
