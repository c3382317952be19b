import Bytes
import Inference

/// Reads a request body as it arrives: counts it, scans it, and keeps it where it may have to be
/// sent back. It cannot be copied: it is larger than most bodies.
struct BodyReader: ~Copyable {
  /// Which scanner reads it, by the content-type.
  private var json: RequestScanner?
  private var multipart: MultipartScanner?
  private let bytesMax: Int
  private(set) var byteCount = 0
  /// The body so far, where it is kept.
  private(set) var kept: [UInt8] = []

  /// nil where the multipart content-type names no usable boundary.
  init?(multipart contentType: [UInt8]?, bytesMax: Int) {
    self.bytesMax = bytesMax
    guard let contentType else {
      json = RequestScanner()
      return
    }
    guard let multipart = MultipartScanner(contentType: contentType.span) else { return nil }
    self.multipart = multipart
  }

  /// The model, as soon as a JSON body has named it.
  var modelSoFar: [UInt8]? {
    // Read in place: taking the scanner out of the enum would copy it for every piece.
    json == nil ? nil : json!.modelSoFar
  }

  /// More than the policy's `max_body_bytes` came.
  var isOverLimit: Bool { byteCount > bytesMax }

  /// The next bytes. Past the limit they are counted and dropped.
  mutating func scan(_ bytes: Span<UInt8>) {
    byteCount += bytes.count
    guard !isOverLimit else { return }
    json?.scan(bytes)
    multipart?.scan(bytes)
  }

  /// Keeps bytes that were scanned.
  mutating func keep(_ bytes: Span<UInt8>) {
    kept.append(bytes)
  }

  /// Gives the reader a buffer to keep the body in.
  mutating func use(buffer: consuming [UInt8]) { kept = buffer }

  /// Takes the kept body out.
  mutating func takeKept() -> [UInt8] {
    let result = kept
    kept = []
    return result
  }

  mutating func finish() throws(Refusal) -> RequestFacts {
    if isOverLimit { throw .tooLarge(limit: bytesMax) }
    do throws(BodyProblem) {
      if json != nil { return try json!.finish() }
      return try multipart!.finish()
    } catch {
      throw Refusal(error)
    }
  }
}
