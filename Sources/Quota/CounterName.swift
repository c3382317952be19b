/// The one string that a counter has in records and snapshots: its limit's name, and for a scoped
/// limit whose it is.
///
/// `global/NAME`, `tenant/TENANT/NAME`, `key/TENANT/KEYID/NAME`, `class/CLASS/max_concurrent`, then
/// `/tenant/TENANT`, `/key/KEYID` or `/subject/SUBJECT`. In the parts `%` is `%25` and `/` is `%2F`.
enum CounterName {
  /// What a class's `max_concurrent` is called in its counters' names.
  static let classLimit = "max_concurrent"

  static func limit(_ owner: LimitOwner, _ name: String) -> String {
    switch owner {
    case .global: "global/" + encoded(name)
    case .tenant(let tenant): "tenant/" + encoded(tenant) + "/" + encoded(name)
    case .key(let tenant, let id):
      "key/" + encoded(tenant) + "/" + encoded(id) + "/" + encoded(name)
    case .trafficClass(let name): "class/" + encoded(name) + "/" + classLimit
    }
  }

  static func counter(of limit: String, scope: LimitScope, part: String) -> String {
    switch scope {
    case .owner: limit
    case .tenant: limit + "/tenant/" + encoded(part)
    case .key: limit + "/key/" + encoded(part)
    case .subject: limit + "/subject/" + encoded(part)
    }
  }

  /// A name taken apart; nil where it is none of ours.
  struct Parts: Equatable {
    let owner: LimitOwner
    let name: String
    let scope: LimitScope
    let part: String
  }

  static func parts(of counter: String) -> Parts? {
    let pieces = counter.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    var words: [String] = []
    for piece in pieces {
      guard let word = decoded(piece) else { return nil }
      words.append(word)
    }
    let owner: LimitOwner
    let length: Int
    switch (words.first, words.count) {
    case ("global", 2...): (owner, length) = (.global, 2)
    case ("tenant", 3...): (owner, length) = (.tenant(words[1]), 3)
    case ("key", 4...): (owner, length) = (.key(tenant: words[1], id: words[2]), 4)
    case ("class", 3...) where words[2] == classLimit:
      (owner, length) = (.trafficClass(words[1]), 3)
    case (_, _): return nil
    }
    let name = words[length - 1]
    if words.count == length { return Parts(owner: owner, name: name, scope: .owner, part: "") }
    guard words.count == length + 2, let scope = scope(words[length]) else { return nil }
    return Parts(owner: owner, name: name, scope: scope, part: words[length + 1])
  }

  private static func scope(_ word: String) -> LimitScope? {
    switch word {
    case "tenant": .tenant
    case "key": .key
    case "subject": .subject
    case _: nil
    }
  }

  private static func encoded(_ part: String) -> String {
    let bytes = part.utf8
    guard bytes.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }) else {
      return part
    }
    var text = ""
    for scalar in part.unicodeScalars {
      switch scalar {
      case "/": text += "%2F"
      case "%": text += "%25"
      case _: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func decoded(_ piece: Substring.UTF8View) -> String? {
    guard piece.contains(UInt8(ascii: "%")) else { return String(Substring(piece)) }
    var text = ""
    var rest = Substring(piece).unicodeScalars
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        text.unicodeScalars.append(scalar)
        continue
      }
      switch (rest.popFirst(), rest.popFirst()) {
      case ("2", "F"): text += "/"
      case ("2", "5"): text += "%"
      case (_, _): return nil
      }
    }
    return text
  }
}
