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
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swift)
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

    // Pure parts: neither C nor I/O.
    target("Hashing", ["CInstructions"]),
    target("Inference", ["CInstructions"]),
    target("Policy", ["Hashing"]),
    target("Quota"),

    target("Metrics"),
    target("Lint", ["Policy"]),

    // The books on disk: a format, and the one thread that writes it.
    target("Ledger", ["Hashing"], exclude: ["README.md"]),
    // What of them goes elsewhere: batches, cursors, OTLP. No I/O.
    target("Shipping", ["Hashing", "Ledger"]),

    // What operators look at: one file, embedded.
    .target(
      name: "AdminPage", resources: [.embedInCode("page.html")], swiftSettings: swift),

    // Edges and composition.
    target("EnvoyAPI", ["CEnvoyAPI", "CProtobufC"]),
    target("Transport", ["CNghttp2"]),
    target(
      "Gateway",
      ["EnvoyAPI", "Hashing", "Inference", "Ledger", "Metrics", "Policy", "Quota", "Transport"]),
    target(
      "Server",
      [
        "AdminPage", "CLinux", "EnvoyAPI", "Gateway", "Hashing", "Ledger", "Metrics", "Policy",
        "Quota", "Shipping", "Transport",
      ]),
    .executableTarget(
      name: "tollgate",
      dependencies: [
        "EnvoyAPI", "Gateway", "Hashing", "Ledger", "Lint", "Metrics", "Policy", "Server",
        "Shipping", "Transport",
      ],
      swiftSettings: swift),

    // The demo's backends; not part of the product.
    .executableTarget(
      name: "model-simulator", dependencies: ["CLinux", "Hashing"], swiftSettings: swift),

    // Tests/Fuzz/scanner drives it.
    .executableTarget(
      name: "scan-bodies", dependencies: ["Inference"], path: "Tests/Fuzz/scan-bodies",
      swiftSettings: swift),

    // Tests/Corpus/run drives it.
    .executableTarget(
      name: "meter-bodies", dependencies: ["Inference"], path: "Tests/Corpus/meter-bodies",
      swiftSettings: swift),

    // Tests/Benchmarks/metrics/run drives it.
    .executableTarget(
      name: "metrics-benchmark",
      dependencies: [
        "EnvoyAPI", "Gateway", "Hashing", "Ledger", "Metrics", "Policy", "Transport",
      ],
      path: "Tests/Benchmarks/metrics", exclude: ["run"], swiftSettings: swift),

    // Shows Python what EnvoyAPI read, and what it writes. For tests only.
    .executableTarget(
      name: "envoy-messages", dependencies: ["EnvoyAPI"],
      path: "Tests/Compatibility/envoy-messages",
      swiftSettings: swift),

    tests("Hashing"), tests("Inference", ["Hashing"]), tests("Policy", ["Hashing"]),
    tests("Ledger", ["Hashing"]), tests("Quota"), tests("Metrics"), tests("Lint", ["Policy"]),
    tests("Shipping", ["Hashing", "Ledger"]),
    tests("EnvoyAPI", ["CEnvoyAPI", "CProtobufC"]),
    tests("Transport", ["CNghttp2"]),
    tests(
      "Gateway",
      ["EnvoyAPI", "Hashing", "Inference", "Ledger", "Metrics", "Policy", "Quota", "Transport"]),
    tests(
      "Server",
      [
        "AdminPage", "EnvoyAPI", "Gateway", "Ledger", "Metrics", "Policy", "Quota", "Shipping",
        "Transport",
      ]),
  ]
)
