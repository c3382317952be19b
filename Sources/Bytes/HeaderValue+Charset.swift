extension HeaderValue {
  /// Whether every reader of this content-type takes the text behind it for UTF-8.
  ///
  /// A server that decodes a body by the `charset` it finds may see other names and values in it than
  /// we do (`+AG0-odel` is `model` in UTF-7). So `charset` is absent or `utf-8`, in no extended or
  /// escaped form; and nothing is there that a looser reader could take for another `charset`: one
  /// behind a semicolon inside a quoted string, or bytes other than visible ASCII and spaces, some of
  /// which are stripped like a space.
  package var isReadAsUTF8: Bool {
    parameters.allSatisfy { parameter in
      guard parameter.isForm(of: "charset") else {
        return parameter.value.allSatisfy(Self.isVisibleOrSpace)
          && !Self.hidesCharset(parameter.value)
      }
      return parameter.name.span.elementsEqual("charset") && !parameter.hasEscapes
        && parameter.value.span.elementsEqual(ignoringCase: "utf-8")
    }
  }

  /// Whether a reader that splits at every semicolon finds a `charset` in a quoted string.
  private static func hidesCharset(_ value: [UInt8]) -> Bool {
    value.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).dropFirst()
      .contains { piece in
        let name = piece.drop(while: isSpace)
        return name.span.starts(withIgnoringCase: "charset")
      }
  }

  private static func isVisibleOrSpace(_ byte: UInt8) -> Bool {
    isSpace(byte) || (0x21...0x7e).contains(byte)
  }
}
