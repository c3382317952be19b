import Redis
import Terms
import Testing

@testable import Quota
@testable import Store

@Suite("Keys of the store")
struct StoreKeysTests {
  /// The same as in Tests/EndToEnd/test_store_reader.py: a reader that knows the counter's name finds
  /// its key.
  @Test("are found by the counter's name, its unit and its window")
  func keys() {
    let minute = LimitWindow.bucket(periodMilliseconds: 60_000, capacity: 100)
    let rules: [(rule: LimitRule, name: String, scopeValue: String, key: String)] = [
      (
        LimitRule(
          owner: .tenant("tenant-a"), name: "rpm", kind: .requests, amount: 100, window: minute),
        "tenant/tenant-a/rpm", "", "{tollgate:57}:3f6df1b3d8dafed7a8b93996fec6998c"
      ),
      (
        LimitRule(
          owner: .key(tenant: "a/b", id: "k"), name: "m", kind: .usd, amount: 5,
          window: .calendar(.month)), "key/a%2Fb/k/m", "",
        "{tollgate:31}:9b05a7f2ca72856b81f42b7acf2a0b06"
      ),
      (
        LimitRule(
          owner: .global, name: "all", kind: .tokens, amount: 5, window: .calendar(.day),
          scope: .subject), "global/all/subject/s", "s",
        "{tollgate:49}:096f1005a742b422b582cf8af1a05b78"
      ),
      (
        LimitRule(
          owner: .trafficClass("batch"), name: "max_concurrent", kind: .concurrent, amount: 5,
          window: .slots, scope: .tenant), "class/batch/max_concurrent/tenant/tenant-a",
        "tenant-a", "{tollgate:57}:51c21a9e785d89b89da5ec8c9f514720"
      ),
    ]
    for (rule, name, scopeValue, key) in rules {
      let shared = SharedKey(rule, name: name, scopeValue: scopeValue)
      #expect(String(decoding: StoreKeys.counter(shared), as: UTF8.self) == key)
    }
  }
}
