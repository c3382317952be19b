extension Checks {
  /// Bounds that lie behind other bounds.
  static let sizeChecks = [
    Check(
      "ledger-above-volume", .error,
      "The ledger may grow above its volume: the disk is full before the bound is met, and nothing is let through.",
      remedy: "lower --ledger-max-bytes below the volume's size, or claim more"
    ) { context, check in
      context.pods.compactMap { pod in
        guard let bound = pod.setting("ledger-max-bytes").flatMap(QuantityReading.flagBytes),
          let size = dataBytes(pod, context), bound > size.value
        else { return nil }
        return check.finding(
          pod.settings["ledger-max-bytes"]?.last ?? pod.container,
          "--ledger-max-bytes of \(QuantityReading.text(bound)), and \(size.field.object) holds "
            + QuantityReading.text(size.value))
      }
    },
    Check(
      "memory-limit", .error,
      "Tollgate may hold more of bodies than the container may have of memory: it is killed with every exchange, where it would have refused one.",
      remedy: "give --max-buffer-bytes well below the memory limit, or raise the limit"
    ) { context, check in
      context.pods.compactMap { pod in
        let limit = pod.container["resources"]["limits"]["memory"]
        let written = pod.setting("max-buffer-bytes").flatMap(QuantityReading.flagBytes)
        let buffers = written ?? bufferBytesDefault
        guard let most = limit.byteCount, buffers >= most else { return nil }
        return check.finding(
          limit,
          "a memory limit of \(QuantityReading.text(most)), and --max-buffer-bytes is "
            + QuantityReading.text(buffers) + (written == nil ? ", the default" : ""))
      }
    },
  ]

  /// `tollgate serve`'s own --max-buffer-bytes.
  static let bufferBytesDefault: Int64 = 2 << 30

  /// The size of what the ledger lies on; nil where nothing says it.
  private static func dataBytes(_ pod: TollgatePod, _ context: LintContext) -> Placed<Int64>? {
    let volume = pod.dataVolume
    let name = volume?["persistentVolumeClaim"]["claimName"].text
    let claim = context.set.resources("PersistentVolumeClaim", group: "").first {
      $0.name == name && $0.namespace == pod.namespace
    }
    let template = pod.claimTemplates.first {
      $0["metadata"]["name"].text == pod.dataMount?["name"].text
    }
    let fields = [
      claim?.spec["resources"]["requests"]["storage"],
      template?["spec"]["resources"]["requests"]["storage"],
      volume?["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"],
      volume?["emptyDir"]["sizeLimit"],
    ]
    return fields.lazy.compactMap { $0 }.compactMap { field in
      field.byteCount.map { Placed(value: $0, field: field) }
    }.first
  }
}
