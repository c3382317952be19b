/// Where in the input something is: the file and the line, and the object and the field.
package struct Place: Hashable, Sendable {
  /// The file's path, the directory of the kustomization that was built, or `stdin`.
  package internal(set) var source: String
  /// From 1; nil in the output of kustomize, which nobody has as a file.
  package internal(set) var line: Int? = nil
  /// `HTTPRoute tenant-a/chat`, `Envoy listener ai`, `ConfigMap ai-gateway/tollgate-policy`; or "".
  package internal(set) var object = ""
  /// `spec.rules[0].timeouts`; or "".
  package internal(set) var field = ""

  /// `file:12`, or `overlays/jwt`.
  package var position: String { line.map { "\(source):\($0)" } ?? source }

  /// `HTTPRoute tenant-a/chat spec.rules[0]`
  package var subject: String { [object, field].filter { !$0.isEmpty }.joined(separator: " ") }
}
