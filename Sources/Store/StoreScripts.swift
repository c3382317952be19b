import Redis

/// The scripts that run in the store: files that are embedded, put one behind the other.
package enum StoreScripts {
  package static let state = RedisScript(
    name: "state",
    source: PackageResources.common_lua + PackageResources.opening_lua
      + PackageResources.counters_lua + PackageResources.state_lua)
  package static let presence = RedisScript(
    name: "presence", source: PackageResources.common_lua + PackageResources.presence_lua)
}
