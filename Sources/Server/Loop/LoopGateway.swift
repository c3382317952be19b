import Books
import Gateway
import Transport

/// What a worker serves besides health: a router that can be given a new policy.
///
/// On its worker's thread.
package protocol LoopGateway: CallRouter {
  /// New exchanges use `policy`; those in flight keep theirs.
  func use(_ policy: CompiledPolicy)
  /// Tells the exchanges that wait for their record what became of it.
  func recordsEnded(_ outcome: Books.RecordOutcome)
  /// Tells the exchanges with these tickets that the books are to be asked again.
  func storeAnswered(_ tickets: [UInt64])
}

extension GatewayLoop: LoopGateway {}
