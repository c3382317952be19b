import Bytes
import Inference

/// A refusal: what the client is told. Holds the policy's words and known names only, nothing from
/// a body and no credential.
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

  /// 404 in the same words for a model that is unknown and for one that is not this caller's.
  package static func modelNotFound(parameter: String = "model") -> Refusal {
    Refusal(
      .modelNotFound, "The model does not exist or you do not have access to it.",
      parameter: parameter)
  }

  static func tooLarge(limit: Int) -> Refusal {
    Refusal(.requestTooLarge, "The request body is larger than \(limit) bytes.")
  }

  /// The refusal for what a scanner found.
  package init(_ problem: BodyProblem) {
    switch problem {
    case .invalidJSON(let offset, let reason):
      self.init(.invalidJSON, "\(Self.text(reason)) (at byte \(offset)).")
    case .duplicateKey(let key):
      self.init(
        .duplicateKey,
        "The key \(key.name) is given twice, or in a spelling that some servers take for it.",
        parameter: key.name)
    case .invalidValue(let key):
      self.init(
        .invalidValue, "The value of \(key.name) has the wrong type or is not an allowed value.",
        parameter: key.name)
    case .invalidMultipart(let offset):
      self.init(.invalidValue, "The multipart body is malformed (at byte \(offset)).")
    }
  }

  private static func text(_ reason: BodyProblem.Reason) -> String {
    switch reason {
    case .syntax: "The body is not valid JSON"
    case .encoding: "The body is not valid UTF-8"
    case .byteOrderMark: "The body begins with a byte order mark"
    case .depth: "The body is nested too deeply"
    case .notAnObject: "The body is not a JSON object"
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
        json.field("message", message)
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
