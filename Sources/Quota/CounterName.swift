/// Writes and reads the names of counters in records and checkpoints. A name is the limit's name,
/// and for a limit whose scope is not `owner`, the tenant, key or subject that the counter is for.
///
/// `global/NAME`, `group/GROUP/NAME`, `tenant/TENANT/NAME`, `key/TENANT/KEYID/NAME` or `class/CLASS/max_concurrent`,
/// then nothing, `/tenant/TENANT`, `/key/KEYID` or `/subject/SUBJECT`. Inside of each word `%` is
/// written as `%25`, and `/` as `%2F`.
enum CounterName {
  /// The name of the limit that a class's `max_concurrent` is.
  static let classLimit = "max_concurrent"

  /// The limit's name, with its owner in front.
  static func limit(_ owner: LimitOwner, _ name: String) -> String {
    switch owner {
    case .global: "global/" + encoded(name)
    case .group(let group): "group/" + encoded(group) + "/" + encoded(name)
    case .tenant(let tenant): "tenant/" + encoded(tenant) + "/" + encoded(name)
    case .key(let tenant, let id):
      "key/" + encoded(tenant) + "/" + encoded(id) + "/" + encoded(name)
    case .trafficClass(let name): "class/" + encoded(name) + "/" + classLimit
    }
  }

  /// The name of the limit's counter for this tenant, key or subject; `limit` is what `limit(_:_:)`
  /// gives.
  static func counter(of limit: String, scope: LimitScope, scopeValue: String) -> String {
    switch scope {
    case .owner: limit
    case .tenant: limit + "/tenant/" + encoded(scopeValue)
    case .key: limit + "/key/" + encoded(scopeValue)
    case .subject: limit + "/subject/" + encoded(scopeValue)
    }
  }

  /// What a counter's name consists of.
  struct Parts: Equatable {
    let owner: LimitOwner
    let name: String
    let scope: LimitScope
    let scopeValue: String
  }

  /// Reads a counter's name; nil where it is not written as above.
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
    case ("group", 3...): (owner, length) = (.group(words[1]), 3)
    case ("tenant", 3...): (owner, length) = (.tenant(words[1]), 3)
    case ("key", 4...): (owner, length) = (.key(tenant: words[1], id: words[2]), 4)
    case ("class", 3...) where words[2] == classLimit:
      (owner, length) = (.trafficClass(words[1]), 3)
    case (_, _): return nil
    }
    let name = words[length - 1]
    if words.count == length {
      return Parts(owner: owner, name: name, scope: .owner, scopeValue: "")
    }
    guard words.count == length + 2, let scope = scope(words[length]) else { return nil }
    return Parts(owner: owner, name: name, scope: scope, scopeValue: words[length + 1])
  }

  private static func scope(_ word: String) -> LimitScope? {
    switch word {
    case "tenant": .tenant
    case "key": .key
    case "subject": .subject
    case _: nil
    }
  }

  private static func encoded(_ word: String) -> String {
    let bytes = word.utf8
    guard bytes.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }) else {
      return word
    }
    var text = ""
    for scalar in word.unicodeScalars {
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
