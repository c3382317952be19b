extension Checks {
  /// Sockets of Tollgate that Envoy's container cannot see, or may not open.
  static func sharedSockets(_ context: LintContext, _ check: Check) -> [Finding] {
    context.pods.filter(\.isBesideEnvoy).flatMap { pod in
      pod.sockets.flatMap { path in
        [unseen(path, pod, check)].compactMap { $0 }
      } + (pod.sockets.isEmpty ? [] : [shut(pod, check)].compactMap { $0 })
    }
  }

  private static func unseen(_ path: String, _ pod: TollgatePod, _ check: Check) -> Finding? {
    let mounts = pod.container["volumeMounts"]
    guard let mount = TollgatePod.mount(of: path, in: mounts.items) else {
      return check.finding(
        mounts, "\(path) is on no volume, so Envoy's container does not see the socket",
        remedy: "mount a volume at the socket's directory, the same in both containers")
    }
    let name = mount["name"].text
    let isMounted = pod.envoy.contains { place in
      place["volumeMounts"].items.contains { $0["name"].text == name }
    }
    guard !isMounted, let envoy = pod.envoy.first else { return nil }
    return check.finding(
      envoy["volumeMounts"],
      "Envoy's container does not mount \(name ?? "the volume"), where the socket is",
      remedy: "mount it there, at \(mount["mountPath"].text ?? "the same path")")
  }

  /// A socket that Envoy may not open. Its mode is 0660, so Envoy must have its user or its group.
  private static func shut(_ pod: TollgatePod, _ check: Check) -> Finding? {
    let field = pod.security("runAsUser")
    let isProxy = pod.proxy != nil
    func envoys(_ name: String) -> Int64? {
      pod.envoy.lazy.compactMap { $0["securityContext"][name].integer }.first
        ?? (isProxy
          ? envoyUser
          : pod.podSpecs.lazy.compactMap { $0["securityContext"][name].integer }.first)
    }
    guard let own = field.integer, let envoy = envoys("runAsUser"), own != envoy else { return nil }
    // Files that are made in a volume have its fsGroup as their group.
    let hasGroup = pod.podSpecs.contains { $0["securityContext"]["fsGroup"].exists }
    let group = pod.security("runAsGroup").integer
    if hasGroup || group != nil && group == envoys("runAsGroup") { return nil }
    return check.finding(
      field,
      "Tollgate runs as user \(own) and Envoy as \(envoy), so Envoy may not open the socket (mode 0660)",
      remedy: "run both as the same user, or with the same group (runAsGroup, fsGroup)")
  }

  /// The user and the group as which Envoy Gateway runs Envoy.
  private static let envoyUser: Int64 = 65_532
}
