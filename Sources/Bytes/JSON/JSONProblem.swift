/// Why a text is not the JSON that was asked for, and where.
package struct JSONProblem: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case valueMissing
    case notAValue
    case nameMissing
    case colonMissing
    /// Neither a comma nor the byte that closes.
    case commaOrBraceMissing
    case commaOrBracketMissing
    case unclosedString
    case controlCharacter
    case unknownEscape
    case hexDigitMissing
    case halfSurrogatePair
    case notUTF8
    case somethingFollows
    case repeatedName(String)
    case tooDeep(max: Int)
    case tooManyValues(max: Int)
  }

  package let reason: Reason
  /// The byte at which reading stopped, from 0.
  package let offset: Int
  /// The same place, both from 1; columns are bytes.
  package let line: Int
  package let column: Int

  package var description: String {
    switch reason {
    case .valueMissing: "the text ends where a value should be"
    case .notAValue: "not a JSON value"
    case .nameMissing: "a key in quotes should be here"
    case .colonMissing: "a colon should be here"
    case .commaOrBraceMissing: "a comma or } should be here"
    case .commaOrBracketMissing: "a comma or ] should be here"
    case .unclosedString: "this text is never closed"
    case .controlCharacter: "a control character in a text"
    case .unknownEscape: "no such escape"
    case .hexDigitMissing: "\\u needs four hex digits"
    case .halfSurrogatePair: "half a surrogate pair"
    case .notUTF8: "this text is not UTF-8"
    case .somethingFollows: "nothing may follow the value"
    case .repeatedName(let name): "the key \"\(name)\" is given twice"
    case .tooDeep(let max): "nested deeper than \(max)"
    case .tooManyValues(let max): "more than \(max) values"
    }
  }
}
