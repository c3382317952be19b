import Testing

@testable import Policy

/// Digests of keys that tests use: SHA-256 of "abc", of "a" and of "b".
let digestABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
let digestA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4fa72b9807785afee48bb"
  .prefix(64).description
let digestB = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"

/// A small valid policy, parts of which can be replaced by invalid ones. A parameter replaces the part
/// of its name; `more…` is added to it.
struct Sketch {
  var classes = "c: {}"
  var model = #"class: "c", routes: [{ name: "r" }], price_usd_per_million: { prompt: 1 }"#
  var moreModel = ""
  var moreModels = ""
  var keys = #"{ id: "k", sha256: "\#(digestABC)" }"#
  var allow = #"{ paths: ["/v1/chat/completions"], models: ["m"] }"#
  var limits = ""
  var moreTenant = ""
  var moreTenants = ""
  var auth = ""
  var top = ""

  var text: String {
    """
    {
      version: 1,
      classes: { \(classes) },
      models: { m: { \(model)\(moreModel) }\(moreModels) },
      tenants: {
        t: { keys: [\(keys)],
          allow: [\(allow)],
          limits: [\(limits)]\(moreTenant) }\(moreTenants)
      },
      auth: { \(auth) }\(top)
    }
    """
  }
}

/// Loads a text in which each § is just before the place of one expected problem, and checks that the
/// problems are exactly `expected`, in the order of the marks: each is the text after the place. In it,
/// `<N>` means the place of mark N.
func expectProblems(
  _ marked: String, _ expected: [String], bounds: PolicyBounds = .standard,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectProblems([("p", marked)], expected, bounds: bounds, sourceLocation: sourceLocation)
}

/// The same for several files. The marks are numbered across all of them.
func expectProblems(
  _ files: [(String, String)], _ expected: [String], bounds: PolicyBounds = .standard,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var places: [String] = []
  var plain: [(String, String)] = []
  for (name, marked) in files {
    var (line, column) = (1, 1)
    var text = ""
    for character in marked {
      if character == "§" {
        places.append("\(name):\(line):\(column)")
        continue
      }
      text.append(character)
      column += 1
      if character.isNewline { (line, column) = (line + 1, 1) }
    }
    plain.append((name, text))
  }
  // A mark that is only referred to has no problem: its line is "".
  var wanted: [String] = []
  for (index, line) in expected.enumerated() where !line.isEmpty {
    var line = line
    for (mark, place) in places.enumerated() {
      line = line.split(separator: "<\(mark)>", omittingEmptySubsequences: false)
        .joined(separator: place)
    }
    wanted.append("\(index < places.count ? places[index] : "no mark"): \(line)")
  }
  let problems = load(plain, bounds: bounds).problems
  #expect(problems == wanted, sourceLocation: sourceLocation)
}
