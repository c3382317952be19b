@testable import Inference

typealias Outcome = Result<RequestFacts, BodyProblem>

/// What a scanner says of a body that comes in pieces, cut at the given places.
func scan(
  _ body: [UInt8], cuts: [Int] = [], limits: RequestScanner.Limits = .init()
) -> Outcome {
  var scanner = RequestScanner(limits: limits)
  for piece in pieces(of: body, cuts) { scanner.scan(body.span.extracting(piece)) }
  do throws(BodyProblem) { return .success(try scanner.finish()) } catch { return .failure(error) }
}

/// The same, of text.
func scan(_ text: String, cuts: [Int] = []) -> Outcome { scan(Array(text.utf8), cuts: cuts) }

/// The facts of a text that is accepted.
func facts(_ text: String) throws -> RequestFacts { try scan(text).get() }

/// The same for a form.
func scanForm(
  _ body: [UInt8], contentType: String, cuts: [Int] = [], limits: MultipartScanner.Limits = .init()
) -> Outcome? {
  let contentType = Array(contentType.utf8)
  guard var scanner = MultipartScanner(contentType: contentType.span, limits: limits) else {
    return nil
  }
  for piece in pieces(of: body, cuts) { scanner.scan(body.span.extracting(piece)) }
  do throws(BodyProblem) { return .success(try scanner.finish()) } catch { return .failure(error) }
}

private func pieces(of body: [UInt8], _ cuts: [Int]) -> [Range<Int>] {
  zip([0] + cuts, cuts + [body.count]).map { $0..<$1 }
}

/// The first way of cutting a body of so many bytes for which the outcome differs, if there is one:
/// into single bytes, and in two at every place.
func differingCut(count: Int, _ outcome: ([Int]) -> Outcome?) -> [Int]? {
  let whole = outcome([])
  let single = Array(0...count)
  if outcome(single) != whole { return single }
  return (0...count).map { [$0] }.first { outcome($0) != whole }
}

extension [Splice] {
  /// The body with the splices made, which are in order and do not overlap.
  func applied(to body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var from = 0
    for splice in self {
      precondition(splice.range.lowerBound >= from, "splices overlap or are out of order")
      result += body[from..<splice.range.lowerBound] + splice.replacement
      from = splice.range.upperBound
    }
    return result + body[from...]
  }
}
