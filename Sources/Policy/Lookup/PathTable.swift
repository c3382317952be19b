import Bytes

/// What a request's path means under a policy.
package enum PathMatch: Equatable, Sendable {
  /// A known endpoint, by its own path, by `path_aliases`, or by Azure's path
  /// `/openai/deployments/{model}/…`. For Azure's, `azureModel` is the range of the model's name.
  case endpoint(Endpoint, azureModel: Range<Int>?)
  /// `GET /v1/models`
  case modelList
  /// `GET /v1/models/{id}`: the range of the id in the path, as it is written there: see `ModelID`.
  case modelDetail(id: Range<Int>)
  /// A path that some tenant's `allow` lists with a `route`, by its index in `customPaths`.
  case custom(Int)
  /// None of these, or a path that never matches (`PathRules`).
  case unknown
}

/// Azure's paths, which have the model's name in them.
enum AzurePath {
  static let prefix = "/openai/deployments/"
}

/// The paths of a policy. They are compared exactly, without the query.
struct PathTable: Sendable {
  static let modelList = "/v1/models"
  private static let modelPrefix = Array("/v1/models/".utf8)
  private static let azurePrefix = Array(AzurePath.prefix.utf8)

  private static let modelListValue = -1
  private static let customBase = 256
  /// The values are raw values of endpoints; from `customBase` on they are indices of custom paths.
  private var exact = ByteTable()
  private var azureSuffixes = ByteTable()

  /// `customPaths` are in the order of their indices.
  init(aliases: [(path: String, endpoint: Endpoint)], customPaths: [String]) {
    for endpoint in Endpoint.allCases {
      exact.insert(endpoint.canonicalPath, value: Int(endpoint.rawValue))
      if let suffix = endpoint.azureSuffix {
        azureSuffixes.insert("/" + suffix, value: Int(endpoint.rawValue))
      }
    }
    exact.insert(Self.modelList, value: Self.modelListValue)
    for alias in aliases { exact.insert(alias.path, value: Int(alias.endpoint.rawValue)) }
    for (index, path) in customPaths.enumerated() {
      exact.insert(path, value: Self.customBase + index)
    }
  }

  /// `path` is the request's `:path`, with its query.
  func match(_ path: Span<UInt8>) -> PathMatch {
    if path.starts(with: Self.modelPrefix) { return model(path) }
    guard let end = PathRules.pathEnd(path) else { return .unknown }
    let bare = path.extracting(0..<end)
    if let value = exact[bare] {
      if value == Self.modelListValue { return .modelList }
      guard value < Self.customBase else { return .custom(value - Self.customBase) }
      return Self.endpoint(value, azureModel: nil)
    }
    if bare.starts(with: Self.azurePrefix) { return azure(bare) }
    return .unknown
  }

  /// The path of a model's page. What is encoded in it is the id's business: nobody else reads it.
  private func model(_ path: Span<UInt8>) -> PathMatch {
    guard let end = PathRules.pathEnd(path, withEscapes: .any) else { return .unknown }
    let id = Self.modelPrefix.count..<end
    // A model's name may have slashes in it, but not at its end.
    guard !id.isEmpty, path[end - 1] != UInt8(ascii: "/") else { return .unknown }
    return .modelDetail(id: id)
  }

  private func azure(_ path: Span<UInt8>) -> PathMatch {
    let start = Self.azurePrefix.count
    var slash = start
    while slash < path.count, path[slash] != UInt8(ascii: "/") { slash += 1 }
    guard slash > start, let value = azureSuffixes[path.extracting(slash..<path.count)] else {
      return .unknown
    }
    return Self.endpoint(value, azureModel: start..<slash)
  }

  private static func endpoint(_ value: Int, azureModel: Range<Int>?) -> PathMatch {
    guard let endpoint = Endpoint(rawValue: UInt8(value)) else { return .unknown }
    return .endpoint(endpoint, azureModel: azureModel)
  }
}
