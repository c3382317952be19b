extension Checks {
  /// Sockets of Tollgate that Envoy cannot reach.
  static let socketChecks = [
    Check(
      "socket", .error, each: \.whole,
      "The path is too long for a socket, Tollgate does not listen on it, or Envoy cannot open it.",
      remedy: "use the same path of at most 107 bytes in the backend and in --listen unix:PATH"
    ) { context, _, report in
      let pods = context.pods.filter(\.isBesideEnvoy)
      let listening = pods.flatMap(\.listening)
      for path in paths(context) {
        let text = path.text ?? ""
        if text.utf8.count > pathBytesMax {
          report(path, "a socket's path has at most \(pathBytesMax) bytes, not \(text.utf8.count)")
        }
        if text.contains("tollgate"), !listening.isEmpty, !listening.contains("unix:\(text)") {
          report(path, "Tollgate listens on \(listening.joined(separator: ", "))")
        }
      }
      for pod in pods where !pod.sockets.isEmpty {
        for path in pod.sockets { unseen(path, pod, &report) }
        shut(pod, &report)
      }
    }
  ]

  /// The sockets that Backends and Envoy's clusters name.
  private static func paths(_ context: LintContext) -> [Field] {
    let clusters = context.set.configs.flatMap(\.clusters).flatMap { cluster in
      EnvoyConfig.addresses(cluster.named("Envoy cluster \(cluster["name"].text ?? "?")"))
    }
    return context.set.resources("Backend").flatMap { $0.spec.all("endpoints[].unix.path") }
      + clusters.flatMap { $0.all("pipe.path") }
  }

  /// `sun_path` has 108 bytes, one of which is for the terminating zero.
  private static let pathBytesMax = 107

  /// A socket that Envoy's container does not see.
  private static func unseen(_ path: String, _ pod: TollgatePod, _ report: inout Findings) {
    guard let mount = TollgatePod.mount(of: path, in: pod.container) else {
      return report(
        pod.container["volumeMounts"], "\(path) is on no volume: Envoy does not see the socket",
        remedy: "mount a volume at the socket's directory, the same in both containers")
    }
    let (name, place) = (mount["name"].text ?? "", mount["mountPath"].text ?? "the same path")
    let envoys = pod.envoy.map { $0["volumeMounts"] }
    if envoys.flatMap(\.items).contains(where: { $0["name"].text == name }) { return }
    report(
      envoys.first, "Envoy's container does not mount \(name), where the socket is",
      remedy: "mount it there, at \(place)")
  }

  /// A socket that Envoy may not open. Its mode is 0660, so Envoy must have its user or its group.
  private static func shut(_ pod: TollgatePod, _ report: inout Findings) {
    let user = pod.security("runAsUser")
    // Envoy's, which Envoy Gateway sets where it makes the pod.
    func envoys(_ name: String) -> Int64? {
      let places = pod.envoy + (pod.proxy == nil ? pod.podSpecs : [])
      return places.lazy.compactMap { $0["securityContext"][name].integer }.first
        ?? (pod.proxy == nil ? nil : envoyUser)
    }
    guard let own = user.integer, let envoy = envoys("runAsUser"), own != envoy else { return }
    // Files that are made in a volume have its fsGroup as their group.
    let hasGroup = pod.podSpecs.contains { $0["securityContext"]["fsGroup"].exists }
    let group = pod.security("runAsGroup").integer
    if hasGroup || group != nil && group == envoys("runAsGroup") { return }
    report(
      user, "Tollgate runs as user \(own), and Envoy, as \(envoy), may not open the socket (0660)",
      remedy: "run both as the same user, or with the same group (runAsGroup, fsGroup)")
  }

  /// The user and the group as which Envoy Gateway runs Envoy.
  private static let envoyUser: Int64 = 65_532
}
