import Bytes
import EnvoyAPI
import Ledger
import Terms

/// What an exchange used in the end, for the access log: entries of the metadata namespace.
struct UsageMetadata {
  private let completion: Reference<Completion>

  init(_ completion: Reference<Completion>) { self.completion = completion }

  private static let promptTokens: StaticString = "prompt_tokens"
  private static let completionTokens: StaticString = "completion_tokens"
  private static let totalTokens: StaticString = "total_tokens"
  private static let cachedPromptTokens: StaticString = "cached_prompt_tokens"
  private static let cost: StaticString = "cost_usd"
  private static let source: StaticString = "usage_source"
  private static let firstToken: StaticString = "ttft_ms"

  /// Writes the reply's `dynamic_metadata`; what is unknown is left out.
  func write(_ writer: inout WireWriter) {
    let metadata = writer.mark
    let own = writer.mark
    func number(_ name: StaticString, _ value: Int64?, _ writer: inout WireWriter) {
      if let value { writer.structEntry(name, number: Double(value)) }
    }
    number(Self.firstToken, completion.value.ttftMs, &writer)
    writer.structEntry(Self.source, string: Array(completion.value.usageSource.rawValue.utf8))
    if let cost = completion.value.costNanodollars {
      writer.structEntry(Self.cost, number: Double(cost) / 1e9)
    }
    number(Self.cachedPromptTokens, completion.value.cachedPromptTokens, &writer)
    number(Self.totalTokens, completion.value.totalTokens, &writer)
    number(Self.completionTokens, completion.value.completionTokens, &writer)
    number(Self.promptTokens, completion.value.promptTokens, &writer)
    writer.close(5, since: own)
    writer.closeStructEntry(MetadataKey.namespace, since: own)
    writer.close(ProcessingResponseField.dynamicMetadata, since: metadata)
  }
}
