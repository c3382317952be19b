/// A place in the sources.
struct Place: Sendable, Hashable {
  let source: Int
  let offset: Int
}

/// A value of the policy, with its place and the way to it.
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

/// A member whose key is a name the policy's author chose.
struct NamedNode: Sendable {
  let name: String
  let keyPlace: Place
  let node: Node
}

/// A text of the policy with the node it came from.
struct PlacedText: Sendable {
  let text: String
  let node: Node
}

/// The members of an object whose keys are fixed.
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
