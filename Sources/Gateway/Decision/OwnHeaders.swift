import Policy
import Terms

/// The bytes of the headers that Tollgate sets on requests: the most that a policy's names make them.
struct OwnHeaders: Sendable {
  /// A `content-length` of 10 digits.
  static let contentLengthBytesMax = HeaderName.contentLength.utf8CodeUnitCount + 10
  private static let callerNameBytes = bytes(of: HeaderName.ofCaller)
  private static let modelNameBytes = bytes(of: HeaderName.ofModel)

  /// Those of a model, with the name of its route.
  let modelBytesMax: Int
  /// The name in Azure's path that a backend is to see.
  let pathModelBytesMax: Int

  init(_ policy: PolicySnapshot) {
    var modelBytesMax = 0
    var pathModelBytesMax = 0
    for model in policy.models {
      let trafficClass = model.trafficClass
      let route = model.routes.reduce(0) { max($0, $1.name.bytes.count) }
      modelBytesMax = max(
        modelBytesMax,
        2 * model.name.bytes.count + trafficClass.name.bytes.count + route
          + HeaderName.inferenceObjectives.count * trafficClass.inferenceObjective.bytes.count)
      for route in model.routes {
        let name = (route.upstreamModel ?? model.name).bytes
        pathModelBytesMax = max(pathModelBytesMax, BodyDecision.segment(name).count)
      }
    }
    let stream = ProcessingReplies.no.utf8CodeUnitCount
    self.modelBytesMax = Self.modelNameBytes + modelBytesMax + stream
    self.pathModelBytesMax = pathModelBytesMax
  }

  /// Those of a caller, without the name of a route.
  func callerBytes(_ identity: Identity) -> Int {
    Self.callerNameBytes + identity.subject.count + RequestIDs.byteCount
      + (1 + HeaderName.fairnessIDs.count) * identity.tenant.name.bytes.count
  }

  private static func bytes(of names: [StaticString]) -> Int {
    names.reduce(0) { $0 + $1.utf8CodeUnitCount }
  }
}
