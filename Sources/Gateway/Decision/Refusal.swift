import Bytes
import Inference

/// A refusal: what the client is told. Holds the policy's words and known names only, and the
/// request's own path or host, cut and cleaned (`quoted`); nothing from a body and no credential.
package struct Refusal: Error, Equatable, Sendable {
  /// `error.code`, the record's reason and the HTTP status.
  package let code: RefusalCode
  /// `error.message`: one or two sentences for the client.
  package let message: String
  /// The request field at fault, as it is spelled in the body.
  package var parameter: String?
  /// For 405.
  package var allow: String?
  /// Seconds for `retry-after`.
  package var retryAfterSeconds: Int?
  /// false tells SDKs, which retry every 429 otherwise, that waiting does not help.
  package var shouldRetry: Bool?
  /// The limit that refused, for the record.
  package var limit: String?
  /// The caller's rate-limit headers.
  package var rateLimits: [HeaderField] = []

  /// A header as it is written.
  package struct HeaderField: Equatable, Sendable {
    package let name: [UInt8]
    package let value: [UInt8]
  }

  package init(_ code: RefusalCode, _ message: String, parameter: String? = nil) {
    self.code = code
    self.message = message
    self.parameter = parameter
    if code == .overloaded { retryAfterSeconds = 1 }
  }

  /// One refusal for every fault of a credential: a caller must not learn which it was.
  package static let credential = Refusal(
    .invalidAPIKey, "The credential is missing, unknown, revoked or expired.")

  /// The refusal for what a scanner found.
  package init(_ problem: BodyProblem) {
    switch problem {
    case .invalidJSON(let offset, let reason):
      self.init(.invalidJSON, "\(Self.text(reason)) (at byte \(offset)).")
    case .duplicateKey(let key):
      self.init(
        .duplicateKey,
        "The key \(key.name) is given twice, or in a spelling that some servers take for it. "
          + "Give it once, in lower case.",
        parameter: key.name)
    case .invalidValue(let key):
      self.init(
        .invalidValue, "The value of \(key.name) must be \(Self.allowed(key)).",
        parameter: key.name)
    case .invalidMultipart(let offset):
      self.init(
        .invalidValue,
        "The multipart body is not a valid form (at byte \(offset)): "
          + "it breaks the syntax, or ends before its closing boundary.")
    }
  }

  /// What a key's value may be.
  private static func allowed(_ key: InspectedKey) -> String {
    switch key {
    case .model:
      "a model's name: a text of at most \(RequestScanner.modelBytesMax) bytes without "
        + "control characters"
    case .stream, .includeUsage, .continuousUsageStats: "true or false"
    case .streamOptions: "an object"
    case .n, .bestOf: "a whole number from 1 to \(RequestScanner.choicesMax)"
    case .maxTokens, .maxCompletionTokens, .maxOutputTokens, .nPredict, .maxNewTokens, .maxLength:
      "a whole number from 1 to \(RequestScanner.boundMax)"
    case .previousResponseID: "the id of an answer: a text"
    case .conversation: "a conversation's id, or an object with its id"
    case .input: "a text, or a list whose references name ids of earlier items"
    // The others are searched or guarded: only their number and their type can be wrong.
    default: "of its type, and not one of too many"
    }
  }

  private static func text(_ reason: BodyProblem.Reason) -> String {
    switch reason {
    case .syntax: "The body is not valid JSON"
    case .encoding: "The body is not valid UTF-8"
    case .byteOrderMark: "The body begins with a byte order mark, which JSON must not have"
    case .depth: "The body is nested more than \(RequestScanner.depthMax) deep"
    case .notAnObject: "The body must be a JSON object"
    case .truncated: "The body ends before the JSON does"
    case .trailingData: "The body goes on after the JSON"
    }
  }
}

extension Refusal {
  /// The JSON body in the dialect of the path.
  package func body(anthropic: Bool, requestID: String) -> [UInt8] {
    if anthropic {
      return JSONWriter.object { json in
        json.field("type", "error")
        json.object("error") { json in
          json.field("type", code.anthropicType)
          json.field("message", message)
        }
        json.field("request_id", requestID)
      }
    }
    return JSONWriter.object { json in
      json.object("error") { json in
        // OpenAI's dialect has no field for it, and an SDK shows little else than the message.
        json.field("message", "\(message) (request id: \(requestID))")
        json.field("type", code.openAIType)
        json.field("param", parameter)
        json.field("code", code.rawValue)
      }
    }
  }

  /// Headers beside `content-type`, in order.
  package var headers: [(name: [UInt8], value: [UInt8])] {
    var result: [(name: [UInt8], value: [UInt8])] = []
    func add(_ name: String, _ value: String) {
      result.append((Array(name.utf8), Array(value.utf8)))
    }
    if code == .invalidAPIKey { add("www-authenticate", "Bearer") }
    if let allow { add("allow", allow) }
    if let retryAfterSeconds { add("retry-after", String(retryAfterSeconds)) }
    if let shouldRetry { add("x-should-retry", String(shouldRetry)) }
    result += rateLimits.map { ($0.name, $0.value) }
    return result
  }
}
