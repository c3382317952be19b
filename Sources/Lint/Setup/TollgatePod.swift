/// A container that runs `tollgate serve`, with what matters of its pod and its workload.
struct TollgatePod: Sendable {
  /// Whether several such pods run at the same time.
  enum Copies: Sendable {
    case one
    /// More than one: the number of replicas, or of those that an autoscaler makes at most.
    case several(Field)
    /// A DaemonSet's.
    case everyNode(Field)
  }

  let container: Field
  /// All fields that describe Envoy's container in the same pod; empty where there is none.
  let envoy: [Field]
  /// The EnvoyProxy that defines the pod; nil for a Deployment, DaemonSet or StatefulSet.
  let proxy: Resource?
  let namespace: String
  /// The labels that the pod will have.
  let labels: [String: String]
  /// Whether it starts before the pod's other containers and ends after them.
  let isNativeSidecar: Bool
  /// `volumeClaimTemplates` of a StatefulSet.
  let claimTemplates: [Field]
  /// All fields that describe the pod.
  let podSpecs: [Field]
  let copies: Copies
  /// The setting by which a new pod may start before the old one has ended; nil where it may not.
  let surges: Field?
  /// The values of flags and environment variables, by the flag's name.
  let settings: [String: [Field]]

  /// Whether Envoy is in the same pod.
  var isBesideEnvoy: Bool { !envoy.isEmpty }

  /// `spec.shutdown` of the EnvoyProxy; nil where there is none.
  var envoyShutdown: Field? { proxy?.spec["shutdown"] }

  /// The last value of a flag, or the environment's where the flag is not given.
  func setting(_ name: String) -> String? { settings(name).last }

  /// Every value of a flag.
  func settings(_ name: String) -> [String] {
    (settings[name] ?? []).compactMap(\.text).map { text in
      text.hasPrefix("--\(name)=") ? String(text.dropFirst(name.count + 3)) : text
    }
  }

  /// The ledger's directory: `--data`, or its default in the working directory.
  var dataDirectory: String { setting("data") ?? "tollgate-data" }

  /// The volume mount that contains the ledger's directory; nil where it is on no volume.
  var dataMount: Field? { Self.mount(of: dataDirectory, in: container["volumeMounts"].items) }

  /// The volume of that mount; nil for a claim of a StatefulSet, which is not among the pod's volumes.
  var dataVolume: Field? { dataMount.flatMap(volume) }

  /// Whether its limits are shared in a store.
  var hasStore: Bool { setting("store") != nil }

  /// Why the ledger is deleted with the pod; nil where it is kept.
  var forgottenLedger: (field: Field, why: String)? {
    guard let mount = dataMount else {
      return (container, "--data \(dataDirectory) is on no volume")
    }
    guard let volume = volume(of: mount), volume["emptyDir"].node != nil else { return nil }
    return (volume, "the ledger is on an emptyDir")
  }

  /// The words of the container's command line.
  var words: [String] { container["command"].texts + container["args"].texts }

  /// The mount that contains a path; nil for none.
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

  /// The addresses at which Tollgate listens for Envoy: `HOST:PORT`, `unix:PATH`.
  var listening: [String] {
    settings("listen").flatMap { $0.split(separator: ",").map(String.init) }
  }

  /// The paths of the Unix sockets among them.
  var sockets: [String] {
    listening.filter { $0.hasPrefix("unix:") }.map { String($0.dropFirst("unix:".count)) }
  }

  /// The volumes that the container mounts.
  var mountedVolumes: [Field] { container["volumeMounts"].items.compactMap(volume) }

  /// The port that a probe or a monitor names, by number or by name.
  func port(_ field: Field) -> Int64? {
    if let number = field.integer { return number }
    return container["ports"].items.first { $0["name"].text == field.text }?["containerPort"]
      .integer
  }

  /// `terminationGracePeriodSeconds`; nil where it is not written.
  var gracePeriod: Field? {
    podSpecs.map { $0["terminationGracePeriodSeconds"] }.first { $0.integer != nil }
  }

  /// A field of the container's security context, or of the pod's where the container's does not have it.
  func security(_ name: String) -> Field {
    let own = container["securityContext"][name]
    if own.exists { return own }
    return podSpecs.lazy.map { $0["securityContext"][name] }.first { $0.exists } ?? own
  }
}
