extension Checks {
  /// Sockets of Tollgate that Envoy cannot reach.
  static func sockets(_ context: LintContext, _ report: inout Findings) {
    let backends = context.set.resources("Backend").flatMap {
      $0.spec.all("endpoints[].unix.path")
    }
    let clusters = context.set.configs.flatMap(\.clusters).flatMap { cluster in
      EnvoyConfig.addresses(cluster.named("Envoy cluster \(cluster["name"].text ?? "?")"))
        .flatMap { $0.all("pipe.path") }
    }
    let pods = context.pods.filter(\.isBesideEnvoy)
    let listening = pods.flatMap(\.listening)
    for path in backends + clusters {
      let text = path.text ?? ""
      if text.utf8.count > socketPathBytesMax {
        report(
          path,
          "the path has \(text.utf8.count) bytes; a socket's path may have at most "
            + "\(socketPathBytesMax)")
      }
      if text.contains("tollgate"), !listening.isEmpty, !listening.contains("unix:\(text)") {
        report(
          path, "Tollgate listens on \(listening.joined(separator: ", ")), not on unix:\(text)")
      }
    }
    for pod in pods where !pod.sockets.isEmpty {
      for path in pod.sockets { unseen(path, pod, &report) }
      shut(pod, &report)
    }
  }

  /// `sun_path` has 108 bytes, one of which is for the terminating zero.
  private static let socketPathBytesMax = 107

  /// A socket that Envoy's container does not see.
  private static func unseen(_ path: String, _ pod: TollgatePod, _ report: inout Findings) {
    let mounts = pod.container["volumeMounts"]
    guard let mount = TollgatePod.mount(of: path, in: mounts.items) else {
      return report(
        mounts, "\(path) is on no volume, so Envoy's container does not see the socket",
        remedy: "mount a volume at the socket's directory, the same in both containers")
    }
    let name = mount["name"].text
    let isMounted = pod.envoy.flatMap { $0["volumeMounts"].items }.contains {
      $0["name"].text == name
    }
    guard !isMounted, let envoy = pod.envoy.first else { return }
    report(
      envoy["volumeMounts"],
      "Envoy's container does not mount \(name ?? "the volume"), where the socket is",
      remedy: "mount it there, at \(mount["mountPath"].text ?? "the same path")")
  }

  /// A socket that Envoy may not open. Its mode is 0660, so Envoy must have its user or its group.
  private static func shut(_ pod: TollgatePod, _ report: inout Findings) {
    let user = pod.security("runAsUser")
    func envoys(_ name: String) -> Int64? {
      func first(_ places: [Field]) -> Int64? {
        places.lazy.compactMap { $0["securityContext"][name].integer }.first
      }
      return first(pod.envoy) ?? (pod.proxy == nil ? first(pod.podSpecs) : envoyUser)
    }
    guard let own = user.integer, let envoy = envoys("runAsUser"), own != envoy else { return }
    // Files that are made in a volume have its fsGroup as their group.
    let hasGroup = pod.podSpecs.contains { $0["securityContext"]["fsGroup"].exists }
    let group = pod.security("runAsGroup").integer
    if hasGroup || group != nil && group == envoys("runAsGroup") { return }
    report(
      user,
      "Tollgate runs as user \(own) and Envoy as \(envoy), so Envoy may not open the socket (mode 0660)",
      remedy: "run both as the same user, or with the same group (runAsGroup, fsGroup)")
  }

  /// The user and the group as which Envoy Gateway runs Envoy.
  private static let envoyUser: Int64 = 65_532
}
