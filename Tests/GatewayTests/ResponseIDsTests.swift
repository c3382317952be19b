import Bytes
import Testing

@testable import Gateway

/// Which tenant was given which id, and what a file says of it.
@Suite struct ResponseIDsTests {
  private static func id(_ text: String) -> ResponseID { ResponseID(Array(text.utf8).span) }

  private static func remember(
    _ ids: ResponseIDs, _ texts: String..., tenant: String, route: String = "r", tokens: Int64 = 0
  ) {
    ids.remember(texts.map(id), tenant: tenant, route: route, tokens: tokens)
  }

  private static func bounds(_ perTenant: Int, _ all: Int, _ unwritten: Int = 100)
    -> ResponseIDs.Bounds
  {
    var bounds = ResponseIDs.Bounds()
    bounds.perTenantMax = perTenant
    bounds.allMax = all
    bounds.unwrittenMax = unwritten
    return bounds
  }

  @Test func `an id is its tenant's, another's or nobody's`() {
    let ids = ResponseIDs()
    Self.remember(ids, "resp_1", tenant: "a", route: "v1")
    Self.remember(ids, "resp_1", tenant: "a", route: "v2", tokens: 70)
    let known = KnownResponse(id: Self.id("resp_1"), tenant: "a", route: "v2", tokens: 70)
    #expect(ids.owner(of: Self.id("resp_1"), for: "a") == .own(known))
    #expect(ids.owner(of: Self.id("resp_1"), for: "b") == .others)
    #expect(ids.owner(of: Self.id("resp_2"), for: "a") == .nobody)
    // Two backends may give the same id to two tenants.
    Self.remember(ids, "resp_1", tenant: "b", tokens: 5)
    #expect(ids.owner(of: Self.id("resp_1"), for: "a") == .own(known))
    guard case .own = ids.owner(of: Self.id("resp_1"), for: "b") else {
      Issue.record("it was given to both")
      return
    }
    #expect(ids.count == 2)
    // What is not known does not take the place of what is.
    Self.remember(ids, "resp_1", tenant: "a", route: "v2")
    #expect(ids.owner(of: Self.id("resp_1"), for: "a") == .own(known))
  }

  @Test func `a tenant's own oldest id goes first, and no other tenant's`() {
    let ids = ResponseIDs(Self.bounds(3, 100))
    Self.remember(ids, "b1", tenant: "b")
    for number in 1...10_000 { Self.remember(ids, "a\(number)", tenant: "a") }
    #expect(ids.count == 4)
    for number in 9_998...10_000 {
      #expect(ids.owner(of: Self.id("a\(number)"), for: "b") == .others)
    }
    #expect(ids.owner(of: Self.id("a9997"), for: "a") == .nobody)
    #expect(ids.owner(of: Self.id("b1"), for: "a") == .others)
  }

  @Test func `above the bound of all, whoever has most gives up the oldest`() {
    let ids = ResponseIDs(Self.bounds(10, 12))
    for number in 1...8 { Self.remember(ids, "a\(number)", tenant: "a") }
    for number in 1...4 { Self.remember(ids, "b\(number)", tenant: "b") }
    #expect(ids.count == 12)
    Self.remember(ids, "c1", tenant: "c")
    #expect(ids.count == 12)
    #expect(ids.owner(of: Self.id("a1"), for: "a") == .nobody)
    #expect(ids.owner(of: Self.id("b1"), for: "a") == .others)
    #expect(ids.owner(of: Self.id("c1"), for: "a") == .others)
    #expect(ResponseIDs.Bounds().perTenantMax == 100_000)
    #expect(ResponseIDs.Bounds().allMax == 1_000_000)
  }

  @Test func `what is new waits to be written, up to a bound, and wakes once`() {
    let ids = ResponseIDs(Self.bounds(100, 100, 2))
    let woken = Locked(0)
    ids.onUnwritten { woken.withLock { $0 += 1 } }
    Self.remember(ids, "1", "2", tenant: "a")
    #expect(woken.withLock { $0 } == 1)
    #expect(ids.takeUnwritten()?.map(\.id) == [Self.id("1"), Self.id("2")])
    #expect(ids.takeUnwritten()?.isEmpty == true)
    // Nothing new, so nothing to write.
    Self.remember(ids, "1", tenant: "a")
    #expect(woken.withLock { $0 } == 1 && ids.takeUnwritten()?.isEmpty == true)
    Self.remember(ids, "3", "4", "5", tenant: "a")
    Self.remember(ids, "6", tenant: "a")
    #expect(woken.withLock { $0 } == 2)
    #expect(ids.takeUnwritten() == nil)
    #expect(ids.takeUnwritten()?.isEmpty == true)
  }

  @Test func `a line says what was written, and a damaged one nothing`() throws {
    let known = KnownResponse(
      id: Self.id("resp_1"), tenant: "team/a:b", route: "chat-v1", tokens: 4_000_000_000)
    var bytes: [UInt8] = []
    ResponseIDLine.append(known, to: &bytes)
    #expect(bytes.removeLast() == 0x0A)
    #expect(ResponseIDLine.read(bytes.span) == known)
    for index in bytes.indices {
      for bit in 0..<8 where bytes[index] ^ 1 << bit != bytes[index] ^ 0x20 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        #expect(ResponseIDLine.read(damaged.span) == nil, "\(index), \(bit)")
      }
      #expect(ResponseIDLine.read(bytes.span.extracting(0..<index)) == nil)
    }
    #expect(ResponseIDLine.read((bytes + bytes).span) == nil)
    #expect(ResponseIDLine.read([UInt8](repeating: 0x20, count: 5000).span) == nil)
    // A line has no id, whole or in part.
    #expect(!String(decoding: bytes, as: UTF8.self).contains("resp"))
  }

  @Test func `a name that no policy has is not written`() {
    for (tenant, route) in [("a b", "r"), ("a", "r\n"), ("", "r"), ("a", "")] {
      var bytes: [UInt8] = []
      let known = KnownResponse(id: Self.id("1"), tenant: tenant, route: route, tokens: 0)
      ResponseIDLine.append(known, to: &bytes)
      #expect(bytes.isEmpty)
    }
    var bytes: [UInt8] = []
    let long = String(repeating: "n", count: 300)
    ResponseIDLine.append(
      KnownResponse(id: Self.id("1"), tenant: long, route: long, tokens: 0), to: &bytes)
    #expect(bytes.isEmpty)
  }
}
