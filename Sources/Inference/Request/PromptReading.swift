/// Counts the prompts of a list: each text or list of token numbers is one; the numbers among its elements
/// are one prompt together.
struct PromptReading {
  /// The elements but the last one.
  var elements = 0
  /// The numbers in arrays of the body before it, and before the element that is open.
  private let numbersBefore: Int
  private var numbersBeforeElement = 0
  private var numbersInside = 0

  init(numbers: Int = 0) { numbersBefore = numbers }

  /// An element begins that is an array or object; `numbers` are those of the body so far.
  mutating func elementOpened(numbers: Int) { numbersBeforeElement = numbers }

  mutating func elementClosed(numbers: Int) { numbersInside += numbers - numbersBeforeElement }

  /// How many prompts the list had, which is not empty.
  func count(numbers: Int) -> Int {
    let direct = numbers - numbersBefore - numbersInside
    return elements + 1 - direct + (direct > 0 ? 1 : 0)
  }
}
