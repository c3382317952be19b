extension EnvoyGatewayReading {
  /// The settings of the Gateway's ClientTrafficPolicies; those of the one for all its listeners, and the
  /// certificate faults of all.
  func listener(of gateway: Resource) -> ListenerSettings {
    let policies = clientPolicies(of: gateway)
    let main = Self.main(of: policies)
    let spec = main?.spec ?? gateway.spec["clientTrafficPolicy"]
    let early = spec["headers"]["earlyRequestHeaders"]
    let removals =
      early["remove"].texts.map(NameMatcher.exact)
      + early["removeOnMatch"].items.map { matcher in
        let text = matcher["value"].text ?? ""
        return switch matcher["type"].text ?? "Exact" {
        case "Prefix": .prefix(text)
        case "Suffix": .suffix(text)
        case "RegularExpression": .regex(text)
        default: .exact(text)
        }
      }
    return ListenerSettings(
      field: main?.root ?? gateway.root, bufferBytes: spec["connection"]["bufferLimit"].byteCount,
      bufferField: spec["connection"]["bufferLimit"], defaultBufferBytes: 32_768,
      bufferSetting: "ClientTrafficPolicy spec.connection.bufferLimit", earlyRemovals: removals,
      earlyRemovalField: early,
      earlyRemovalSetting: "ClientTrafficPolicy spec.headers.earlyRequestHeaders.removeOnMatch",
      certificateFaults: policies.flatMap { certificateFaults($0.spec["tls"]["clientValidation"]) })
  }

  private func clientPolicies(of gateway: Resource) -> [Resource] {
    set.resources("ClientTrafficPolicy", group: Self.envoyGroup).filter {
      Self.targets($0, gateway)
    }
  }

  /// The policy for all listeners, or else the first.
  private static func main(of policies: [Resource]) -> Resource? {
    policies.first { policy in
      !policy.spec["targetRefs"].items.contains { $0["sectionName"].exists }
    } ?? policies.first
  }

  /// The Gateway's `streamIdleTimeout`, for routes without one of their own.
  func streamIdleTimeout(of gateway: Resource) -> Field {
    let spec = Self.main(of: clientPolicies(of: gateway))?.spec ?? gateway.spec["none"]
    return spec["timeout"]["http"]["streamIdleTimeout"]
  }

  private func certificateFaults(_ validation: Field) -> [CertificateFault] {
    guard validation.exists else { return [] }
    let mode = validation["mode"]
    let hasAuthority =
      validation["caCertificateRefs"].items.contains(where: \.exists)
      || !validation["spkiHashes"].items.isEmpty || !validation["certificateHashes"].items.isEmpty
    let isOptional = validation["optional"].bool == true || mode.text == "VerifyIfGiven"
    let remedy = "use mode RequireAndVerify with caCertificateRefs"
    return CertificateFault.all(
      untrusted: mode.text == "Request" || mode.text == "RequireAny" ? mode : nil,
      unnamed: hasAuthority ? nil : validation["caCertificateRefs"],
      optional: isOptional ? (mode.exists ? mode : validation["optional"]) : nil,
      expired: validation["allowExpiredCertificate"],
      remedies: (remedy, remedy, "use mode RequireAndVerify"))
  }
}
