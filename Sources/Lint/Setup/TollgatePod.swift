/// A container that runs `tollgate serve`, with what matters of its pod and its workload.
struct TollgatePod: Sendable {
  /// What defines the pod: a workload, or an EnvoyProxy.
  let resource: Resource
  /// All fields that describe Envoy's container in the same pod; empty where there is none.
  let envoy: [Field]
  let labels: [String: String]
  let podSpecs: [Field]
  /// By what several such pods run: replicas, an autoscaler, a DaemonSet; nil where one runs.
  let copies: Field?
  /// The setting by which a new pod may start before the old one has ended; nil where it may not.
  let surges: Field?
  var container: Field
  /// Whether it starts before the pod's other containers and ends after them.
  var isNativeSidecar = false
  /// The values of flags and environment variables, by the flag's name.
  var settings: [String: [Field]] = [:]

  var namespace: String { resource.namespace }

  /// The EnvoyProxy that defines the pod; nil for a workload.
  var proxy: Resource? { resource.kind == "EnvoyProxy" ? resource : nil }

  var isTollgate: Bool {
    let names = [container["name"].text, container["image"].text].compactMap { $0 }
    return words.contains("serve") && (names + words).contains { $0.contains("tollgate") }
  }

  var isBesideEnvoy: Bool { !envoy.isEmpty }

  /// `spec.shutdown` of the EnvoyProxy; nil where there is none.
  var envoyShutdown: Field? { proxy?.spec["shutdown"] }

  private static let defaults = [
    "admin": "127.0.0.1:9090", "data": "tollgate-data", "drain-timeout": "150s",
    "max-buffer-bytes": "2GiB", "store-timeout": "50ms",
  ]

  /// The last value of a flag, or the environment's where the flag is not given, or the default.
  func setting(_ name: String) -> String? { settings(name).last ?? Self.defaults[name] }

  func settings(_ name: String) -> [String] {
    (settings[name] ?? []).compactMap(\.text).map { text in
      text.hasPrefix("--\(name)=") ? String(text.dropFirst(name.count + 3)) : text
    }
  }

  var dataDirectory: String { setting("data") ?? "" }

  /// The volume mount that contains the ledger's directory; nil where it is on no volume.
  var dataMount: Field? { Self.mount(of: dataDirectory, in: container) }

  /// The volume of that mount; nil for a claim of a StatefulSet, which is not among the pod's volumes.
  var dataVolume: Field? { dataMount.flatMap(volume) }

  var hasStore: Bool { setting("store") != nil }

  /// Why the ledger is deleted with the pod; nil where it is kept.
  var forgottenLedger: (field: Field, why: String)? {
    if dataMount == nil { return (container, "--data \(dataDirectory) is on no volume") }
    guard let volume = dataVolume, volume["emptyDir"].node != nil else { return nil }
    return (volume, "the ledger is on an emptyDir")
  }

  var words: [String] { container["command"].texts + container["args"].texts }

  /// The mount of a container that contains a path; nil for none.
  static func mount(of wanted: String, in container: Field) -> Field? {
    container["volumeMounts"].items.filter { mount in
      let path = mount["mountPath"].text ?? ""
      return wanted == path || wanted.hasPrefix(path.hasSuffix("/") ? path : path + "/")
    }.max { ($0["mountPath"].text ?? "").count < ($1["mountPath"].text ?? "").count }
  }

  /// Whether it is none of Envoy's and mounts the directory of a socket.
  func isCompanion(on socket: String) -> Bool {
    container["name"].text != "envoy" && Self.mount(of: socket, in: container) != nil
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

  var sockets: [String] {
    listening.filter { $0.hasPrefix("unix:") }.map { String($0.dropFirst("unix:".count)) }
  }

  /// The port that a probe or a monitor names, by number or by name.
  func port(_ field: Field) -> Int64? {
    if let number = field.integer { return number }
    return container["ports"].items.first { $0["name"].text == field.text }?["containerPort"]
      .integer
  }

  /// `terminationGracePeriodSeconds`, also where it is not written.
  var gracePeriod: Field {
    let fields = podSpecs.map { $0["terminationGracePeriodSeconds"] }
    return fields.first { $0.integer != nil } ?? fields.first ?? container
  }

  /// A field of the container's security context, or of the pod's where the container's does not have it.
  func security(_ name: String) -> Field {
    let places = ([container] + podSpecs).map { $0["securityContext"][name] }
    return places.first(where: \.exists) ?? places[0]
  }
}
