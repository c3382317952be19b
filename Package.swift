// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 mode, strict memory safety, no warning left standing.
let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func target(
  _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil,
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
    swiftSettings: swift)
}

let package = Package(
  name: "tollgate",
  products: [
    .executable(name: "tollgate", targets: ["tollgate"]),
    .executable(name: "model-simulator", targets: ["model-simulator"]),
  ],
  targets: [
    // C, met through modules.
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CInstructions"),
    .systemLibrary(
      name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(
      name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "CEnvoyAPI", dependencies: ["CProtobufC"]),

    // The floor: bytes and their encodings. Uses nothing of ours, and everything may use it.
    target("Bytes", ["CInstructions"]),
    // What several targets mean alike.
    target("Terms"),
    target("Log", ["Bytes", "Terms"]),

    // Pure parts: neither C nor I/O.
    target("Inference", ["Bytes", "CInstructions", "Terms"]),
    target("Policy", ["Bytes", "Terms"]),
    target("Quota", ["Bytes", "Terms"], exclude: ["README.md"]),
    // Redis without a socket: bytes in, answers out; who is the master, who has which slots.
    target("Redis", ["Bytes"]),

    // The books on disk: a format, and the one thread that writes it.
    target("Ledger", ["Bytes", "Terms"], exclude: ["README.md"]),
    // Limits and ledger together: reserve, settle, record, open.
    target("Books", ["Bytes", "Inference", "Ledger", "Policy", "Quota", "Terms"]),

    target("Metrics", ["Books", "Bytes", "Ledger", "Policy", "Quota", "Terms"]),
    // What of the ledger goes elsewhere: batches, cursors, OTLP. No I/O.
    target("Shipping", ["Bytes", "Ledger"]),
    // Statements to a shared store: scripts that run there, embedded, and what they are sent and answer.
    .target(
      name: "Store", dependencies: ["Quota", "Redis"], exclude: ["README.md"],
      resources: ["common", "opening", "counters", "state", "presence"].map {
        .embedInCode("Scripts/\($0).lua")
      },
      swiftSettings: swift),
    // The reader of YAML is a Python program, embedded.
    .target(
      name: "Lint", dependencies: ["Bytes", "Policy", "Terms"],
      resources: [.embedInCode("Inputs/yaml_trees.py")], swiftSettings: swift),

    // What operators look at: one file, embedded.
    .target(
      name: "AdminPage", resources: [.embedInCode("page.html")], swiftSettings: swift),

    // Edges and composition.
    target("EnvoyAPI", ["Bytes", "CEnvoyAPI", "CProtobufC"]),
    target("Transport", ["Bytes", "CNghttp2"]),
    target(
      "Gateway",
      [
        "Books", "Bytes", "EnvoyAPI", "Inference", "Ledger", "Log", "Metrics", "Policy", "Quota",
        "Terms", "Transport",
      ]),
    target(
      "Server",
      [
        "AdminPage", "Books", "Bytes", "CLinux", "EnvoyAPI", "Gateway", "Ledger", "Log", "Metrics",
        "Policy", "Quota", "Redis", "Shipping", "Store", "Terms", "Transport",
      ]),
    .executableTarget(
      name: "tollgate",
      dependencies: [
        "Books", "Bytes", "EnvoyAPI", "Gateway", "Ledger", "Lint", "Log", "Metrics", "Policy",
        "Quota", "Server", "Shipping", "Terms",
      ],
      swiftSettings: swift),

    // The model servers of the demo and the tests; not part of the product.
    .executableTarget(
      name: "model-simulator", dependencies: ["Bytes", "CLinux"], path: "envoy/model-simulator",
      swiftSettings: swift),

    // What the store's scripts do, in exact integers: the scripts are compared with it, and fleets
    // are simulated on it. For tests only.
    target("StoreModel", ["Quota"], path: "Tests/StoreModel"),

    // The random numbers of tests: the same for the same seed.
    target("SeededRandom", path: "Tests/SeededRandom"),

    // Tests/Fuzz/scanner drives it.
    .executableTarget(
      name: "scan-bodies", dependencies: ["Bytes", "Inference", "Terms"],
      path: "Tests/Fuzz/scan-bodies",
      swiftSettings: swift),

    // Tests/Corpus/run drives it.
    .executableTarget(
      name: "meter-bodies", dependencies: ["Bytes", "Inference", "Terms"],
      path: "Tests/Corpus/meter-bodies",
      swiftSettings: swift),

    // Tests/Benchmarks/metrics/run drives it.
    .executableTarget(
      name: "metrics-benchmark",
      dependencies: [
        "Books", "Bytes", "EnvoyAPI", "Gateway", "Ledger", "Log", "Metrics", "Policy", "Terms",
        "Transport",
      ],
      path: "Tests/Benchmarks/metrics", exclude: ["run"], swiftSettings: swift),

    // Shows Python what EnvoyAPI read, and what it writes. For tests only.
    .executableTarget(
      name: "envoy-messages", dependencies: ["Bytes", "EnvoyAPI"],
      path: "Tests/Compatibility/envoy-messages",
      swiftSettings: swift),

    tests("Bytes"), tests("Terms"),
    tests("Inference", ["Bytes", "CInstructions", "SeededRandom", "Terms"]),
    tests("Policy", ["Bytes", "SeededRandom", "Terms"]), tests("Ledger", ["Bytes", "Terms"]),
    tests("Quota", ["SeededRandom", "StoreModel", "Terms"]),
    tests("Metrics", ["Books", "Quota", "Terms"]),
    tests("Lint", ["Policy"]), tests("Log", ["Bytes", "Terms"]),
    tests("Shipping", ["Bytes", "Ledger", "Terms"]),
    tests("Redis", ["Bytes", "SeededRandom"]),
    tests("Store", ["Quota", "Redis", "SeededRandom", "StoreModel", "Terms"]),
    tests("EnvoyAPI", ["Bytes", "CEnvoyAPI", "CProtobufC", "SeededRandom"]),
    tests("Transport", ["Bytes", "SeededRandom"]),
    tests("Books", ["Inference", "Ledger", "Policy", "Quota", "StoreModel", "Terms"]),
    tests(
      "Gateway",
      [
        "Books", "Bytes", "EnvoyAPI", "Inference", "Ledger", "Log", "Metrics", "Policy", "Quota",
        "Terms", "Transport",
      ]),
    tests(
      "Server",
      [
        "AdminPage", "Books", "Bytes", "EnvoyAPI", "Gateway", "Ledger", "Log", "Metrics", "Policy",
        "Quota", "Redis", "Shipping", "Store", "Terms", "Transport",
      ]),
  ]
)
