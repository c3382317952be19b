/// A container that runs `tollgate serve`, with what its pod and its workload say around it.
struct TollgatePod: Sendable {
  /// What several such pods at once mean.
  enum Copies: Sendable {
    case one
    /// More than one, and where that is written.
    case several(Field, String)
  }

  let container: Field
  /// Every place that says something about Envoy's container in the same pod; empty where there is none.
  let envoy: [Field]
  /// The EnvoyProxy whose pod this is; nil for a workload's own.
  let proxy: Resource?
  let namespace: String
  /// The labels that the pod will have.
  let labels: [String: String]
  /// Whether it starts before the pod's other containers and ends after them.
  let isNativeSidecar: Bool
  /// A StatefulSet's.
  let claimTemplates: [Field]
  /// Every place that says something about the pod.
  let podSpecs: [Field]
  let copies: Copies
  /// Whether a new pod may start before the old one has ended, and where that is written.
  let surges: Field?
  /// Flags and environment, by the flag's name.
  let settings: [String: [Field]]

  /// Whether Envoy is in the same pod.
  var isBesideEnvoy: Bool { !envoy.isEmpty }

  /// EnvoyProxy's shutdown; nil where this is no proxy's pod.
  var envoyShutdown: Field? { proxy?.spec["shutdown"] }

  /// A flag's last value; the environment stands in for it.
  func setting(_ name: String) -> String? { settings(name).last }

  /// Every value of a flag.
  func settings(_ name: String) -> [String] {
    (settings[name] ?? []).compactMap(\.text).map { text in
      text.hasPrefix("--\(name)=") ? String(text.dropFirst(name.count + 3)) : text
    }
  }

  /// Where the books are: `--data`, or its default in the working directory.
  var dataDirectory: String { setting("data") ?? "tollgate-data" }

  /// What the directory of the books is mounted from; a StatefulSet's claim is no volume of the pod.
  var dataMount: Field? { Self.mount(of: dataDirectory, in: container["volumeMounts"].items) }

  /// The volume of the pod that is mounted there.
  var dataVolume: Field? { dataMount.flatMap(volume) }

  /// The mount that a path lies in; nil for none.
  static func mount(of wanted: String, in mounts: [Field]) -> Field? {
    mounts.filter { mount in
      let path = mount["mountPath"].text ?? ""
      return wanted == path || wanted.hasPrefix(path.hasSuffix("/") ? path : path + "/")
    }.max { ($0["mountPath"].text ?? "").count < ($1["mountPath"].text ?? "").count }
  }

  /// The volume of the pod that a mount names.
  func volume(of mount: Field) -> Field? {
    guard let name = mount["name"].text else { return nil }
    return podSpecs.flatMap { $0["volumes"].items }.first { $0["name"].text == name }
  }

  /// The sockets that Tollgate listens on: paths.
  var sockets: [String] {
    settings("listen").flatMap { $0.split(separator: ",").map(String.init) }
      .filter { $0.hasPrefix("unix:") }.map { String($0.dropFirst("unix:".count)) }
  }

  /// The port that a probe or a monitor names, by number or by name.
  func port(_ field: Field) -> Int64? {
    if let number = field.integer { return number }
    return container["ports"].items.first { $0["name"].text == field.text }?["containerPort"]
      .integer
  }

  /// The pod's time to end.
  var gracePeriod: Placed<Duration>? {
    podSpecs.lazy.compactMap { spec in
      let field = spec["terminationGracePeriodSeconds"]
      return field.integer.map { Placed(value: .seconds($0), field: field) }
    }.first
  }

  /// A field of the container's security context, or of the pod's where that has it.
  func security(_ name: String) -> Field {
    let own = container["securityContext"][name]
    if own.exists { return own }
    return podSpecs.lazy.map { $0["securityContext"][name] }.first { $0.exists } ?? own
  }
}
