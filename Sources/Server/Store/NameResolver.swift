import Bytes
import Foundation

/// Finds the addresses of names on threads of its own: getaddrinfo(3) may take many seconds where a
/// name server is silent, and whoever asks has other servers' answers to take meanwhile.
///
/// Any thread.
final class NameResolver: Sendable {
  /// The names that are being looked up at the same time. One more is looked up when another is done.
  static let lookupsMax = 16

  /// What was found.
  enum Answer: Sendable {
    case addresses([SocketAddress])
    case failed(String)
  }

  private let resolve: @Sendable (String, UInt16) -> Answer
  private let wake: @Sendable () -> Void
  /// By host and port; nil while it is being looked up.
  private let lookups = Locked<[String: Answer?]>([:])

  /// `wake` is called, on any thread, when something was found.
  init(
    resolve: @escaping @Sendable (String, UInt16) -> Answer = NameResolver.system,
    wake: @escaping @Sendable () -> Void
  ) {
    self.resolve = resolve
    self.wake = wake
  }

  /// The addresses of a host, once; nil where they are not known yet, and are looked up. A literal
  /// address needs no looking up.
  func addresses(of host: String, port: UInt16) -> Answer? {
    if let literal = SocketAddress(literal: host, port: port) { return .addresses([literal]) }
    let name = "\(host):\(port)"
    let (answer, begins) = lookups.withLock { lookups -> (Answer?, Bool) in
      if let known = lookups[name] {
        if known != nil { lookups[name] = nil }
        return (known, false)
      }
      guard Self.underWay(lookups) < Self.lookupsMax else { return (nil, false) }
      lookups.updateValue(nil, forKey: name)
      return (nil, true)
    }
    if begins { begin(host, port, name) }
    return answer
  }

  /// How many names are being looked up.
  var underWay: Int { lookups.withLock { Self.underWay($0) } }

  private static func underWay(_ lookups: [String: Answer?]) -> Int {
    lookups.values.count { $0 == nil }
  }

  private func begin(_ host: String, _ port: UInt16, _ name: String) {
    let thread = Thread { [lookups, resolve, wake] in
      let answer = resolve(host, port)
      lookups.withLock { $0[name] = .some(answer) }
      wake()
    }
    thread.name = "store-names"
    thread.start()
  }

  @Sendable private static func system(_ host: String, _ port: UInt16) -> Answer {
    do throws(ResolveError) {
      return .addresses(try Kernel.resolve(host, port: port))
    } catch {
      return .failed("\(host) cannot be resolved: \(error.reason)")
    }
  }
}
