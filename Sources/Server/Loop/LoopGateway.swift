import Books
import Gateway
import Transport

/// What a loop serves besides health: a router that a new policy can be given to.
package protocol LoopGateway: CallRouter {
  /// New exchanges use `policy`; those in flight keep theirs.
  func use(_ policy: CompiledPolicy)
  /// The ledger's word on exchanges that wait for their record.
  func recordsEnded(_ outcome: Books.RecordOutcome)
}

extension GatewayLoop: LoopGateway {}
