/// A place in the policy's files: the index of the file and the byte offset in it.
struct Place: Sendable, Hashable {
  let source: Int
  let offset: Int
}

/// A value of the policy, with its file and its path.
struct Node: Sendable {
  let value: JSON5Value
  let source: Int
  let path: FieldPath

  var place: Place { Place(source: source, offset: value.offset) }

  func child(_ member: JSON5Member) -> Node {
    Node(value: member.value, source: source, path: path.appending(member.key))
  }

  func child(_ index: Int, _ value: JSON5Value) -> Node {
    Node(value: value, source: source, path: path.appending(index))
  }
}

/// A member of an object whose keys are names: of tenants, models, classes, path aliases.
struct NamedNode: Sendable {
  let name: String
  let keyPlace: Place
  let node: Node
}

/// A text of the policy with its node.
struct PlacedText: Sendable {
  let text: String
  let node: Node
}

/// The members of an object whose keys are the format's fields.
struct Fields {
  let node: Node
  private let members: [JSON5Member]

  init(node: Node, members: [JSON5Member]) {
    self.node = node
    self.members = members
  }

  subscript(name: String) -> Node? {
    members.first { $0.key == name }.map(node.child)
  }
}
