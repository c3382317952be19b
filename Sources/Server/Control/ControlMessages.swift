import Bytes

/// What a command asks the process that serves.
package enum ControlRequest: Equatable, Sendable {
  /// Refuse that key from now on, or accept it again.
  case revoke(tenant: String, keyID: String, undoes: Bool)

  /// Its line.
  var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("version", ControlSocket.version)
      switch self {
      case .revoke(let tenant, let keyID, let undoes):
        json.field("command", "revoke")
        json.field("tenant", tenant)
        json.field("key_id", keyID)
        json.field("undo", undoes)
      }
    }
    return json.bytes
  }

  /// Nil where the line is no request of this version.
  init?(_ line: [UInt8]) {
    let fields = ControlFields(line)
    guard fields.number("version") == ControlSocket.version, fields.text("command") == "revoke",
      let tenant = fields.text("tenant"), let keyID = fields.text("key_id"),
      let undoes = fields.flag("undo")
    else { return nil }
    self = .revoke(tenant: tenant, keyID: keyID, undoes: undoes)
  }
}

/// What it answers: a sentence for people, and whether it was done.
package enum ControlAnswer: Equatable, Sendable {
  case done(String)
  case refused(String)

  var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("version", ControlSocket.version)
      switch self {
      case .done(let text): json.field("done", text)
      case .refused(let text): json.field("refused", text)
      }
    }
    return json.bytes
  }

  init?(_ line: [UInt8]) {
    let fields = ControlFields(line)
    guard fields.number("version") == ControlSocket.version else { return nil }
    if let text = fields.text("done") {
      self = .done(text)
    } else if let text = fields.text("refused") {
      self = .refused(text)
    } else {
      return nil
    }
  }
}

/// The members of a message's object; none where it is not one.
private struct ControlFields {
  private var members: [JSONValue.Member] = []

  init(_ line: [UInt8]) {
    let rules = JSONReader.Rules(depthMax: 1, valuesMax: 32, refusesRepeatedNames: true)
    if case .object(let members)? = try? JSONValue(line, rules) { self.members = members }
  }

  private func value(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

  func text(_ name: String) -> String? {
    guard case .string(let text)? = value(name) else { return nil }
    return text
  }

  func number(_ name: String) -> Int64? {
    guard case .number(let text)? = value(name) else { return nil }
    return Int64(text)
  }

  func flag(_ name: String) -> Bool? {
    guard case .bool(let flag)? = value(name) else { return nil }
    return flag
  }
}
