import Bytes
import Foundation
import Testing

@testable import Server

/// Names of the store's servers, looked up beside the thread that asks.
@Suite(.timeLimit(.minutes(1))) struct NameResolverTests {
  /// A name server that answers when it is let.
  private final class Names: Sendable {
    let asked = Locked<[String]>([])
    let gate = DispatchSemaphore(value: 0)
    let found = DispatchSemaphore(value: 0)

    func resolver() -> NameResolver {
      NameResolver(
        resolve: { [asked, gate] host, port in
          asked.withLock { $0.append(host) }
          gate.wait()
          guard host != "nobody", let address = SocketAddress(literal: "127.0.0.1", port: port)
          else { return .failed("nobody cannot be resolved") }
          return .addresses([address])
        }, wake: { [found] in found.signal() })
    }
  }

  private func ports(_ answer: NameResolver.Answer?) -> [UInt16]? {
    guard case .addresses(let addresses)? = answer else { return nil }
    return addresses.map(\.port)
  }

  @Test func `Who asks does not wait, is woken, and finds the answer once`() {
    let names = Names()
    let resolver = names.resolver()
    for _ in 0..<3 { #expect(resolver.addresses(of: "redis", port: 7) == nil) }
    names.gate.signal()
    names.found.wait()
    #expect(ports(resolver.addresses(of: "redis", port: 7)) == [7])
    // It was looked up once for all that asked, and is looked up anew the next time.
    #expect(names.asked.withLock { $0 } == ["redis"])
    #expect(resolver.addresses(of: "redis", port: 7) == nil)
    names.gate.signal()
    names.found.wait()
    #expect(names.asked.withLock { $0 } == ["redis", "redis"])
  }

  @Test func `A name that is unknown says so, an address needs no looking up`() {
    let names = Names()
    let resolver = names.resolver()
    #expect(ports(resolver.addresses(of: "::1", port: 9)) == [9])
    #expect(resolver.addresses(of: "nobody", port: 7) == nil)
    names.gate.signal()
    names.found.wait()
    guard case .failed(let reason)? = resolver.addresses(of: "nobody", port: 7) else {
      Issue.record("no reason")
      return
    }
    #expect(reason == "nobody cannot be resolved" && names.asked.withLock { $0 } == ["nobody"])
  }

  @Test func `So many names are looked up at the same time, and one more when one is done`() {
    let names = Names()
    let resolver = names.resolver()
    let most = NameResolver.lookupsMax
    for name in 0...most { #expect(resolver.addresses(of: "h\(name)", port: 1) == nil) }
    #expect(resolver.underWay == most)
    names.gate.signal()
    names.found.wait()
    #expect(resolver.addresses(of: "h\(most)", port: 1) == nil)
    for _ in 0..<most { names.gate.signal() }
    for _ in 0..<most { names.found.wait() }
    #expect(names.asked.withLock { $0.count } == most + 1)
    #expect(ports(resolver.addresses(of: "h\(most)", port: 1)) == [1])
  }
}

extension NameResolver.Answer? {
  fileprivate static func == (answer: Self, none: Void?) -> Bool {
    if case .none = answer { true } else { false }
  }
}
