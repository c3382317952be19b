import Bytes

/// Reads JSON: manifests that are given as JSON, and the output of the YAML reader.
extension Node {
  /// Reads a JSON text, which must be a single value. A key that is given twice is an error.
  init(
    json bytes: [UInt8], depthMax: Int = DocumentLimits.depthMax,
    nodesMax: Int = DocumentLimits.nodesMax
  ) throws(DocumentProblem) {
    var reader = JSONReader(
      bytes, JSONReader.Rules(depthMax: depthMax, valuesMax: nodesMax, refusesRepeatedNames: true))
    do throws(JSONProblem) {
      self = try Node(&reader)
      try reader.finish()
    } catch {
      throw DocumentProblem(error)
    }
  }

  /// Reads the next value. It calls itself for nested values, as deep as the reader's rules allow.
  private init(_ reader: inout JSONReader) throws(JSONProblem) {
    let token = try reader.next()
    let line = reader.line
    let kind: Kind
    switch token {
    case .null: kind = .null
    case .bool(let flag): kind = .bool(String(flag))
    case .number(let text): kind = .number(text)
    case .string(let text): kind = .string(text, isLiteral: false)
    case .array:
      var items: [Node] = []
      while try reader.nextElement() { items.append(try Node(&reader)) }
      kind = .list(items)
    case .object:
      var members: [Member] = []
      while let key = try reader.nextName() {
        let keyLine = reader.nameLine
        members.append(Member(key: key, line: keyLine, value: try Node(&reader)))
      }
      kind = .map(members)
    }
    self.init(line: line, kind: kind)
  }
}

extension DocumentProblem {
  /// The problem with the name of the limit in `DocumentLimits`, where it is about one.
  fileprivate init(_ problem: JSONProblem) {
    let limit =
      switch problem.reason {
      case .tooDeep: " (depthMax)"
      case .tooManyValues: " (nodesMax)"
      default: ""
      }
    self.init(line: problem.line, column: problem.column, message: problem.description + limit)
  }
}
