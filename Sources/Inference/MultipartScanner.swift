package struct MultipartScanner {
  package init?(contentType: Span<UInt8>) { fatalError("unimplemented") }
  package mutating func scan(_ bytes: Span<UInt8>) { fatalError("unimplemented") }
  package mutating func finish() throws(BodyProblem) -> RequestFacts { fatalError("unimplemented") }
}
