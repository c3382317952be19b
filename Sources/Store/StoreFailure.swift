import Redis

/// Why an answer of the store's is none: never a grant, and never a refusal.
package enum StoreFailure: Error, Equatable {
  /// The server answered an error.
  case error(RedisError)
  /// What it answered is not what our scripts answer.
  case notOurs

  /// For the log.
  package var description: String {
    switch self {
    case .error(let error): error.description
    case .notOurs: "an answer that is not one of the script's"
    }
  }
}
