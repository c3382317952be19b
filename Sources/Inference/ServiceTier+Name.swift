import Bytes
import Terms

extension ServiceTier {
  /// The tier that a request asks for, or an answer names, by the providers' word.
  init(_ text: Span<UInt8>) {
    switch text.count {
    case 4 where text.elementsEqual("auto"): self = .auto
    case 4 where text.elementsEqual("flex"): self = .flex
    case 4 where text.elementsEqual("fast"): self = .fast
    case 5 where text.elementsEqual("batch"): self = .batch
    case 5 where text.elementsEqual("scale"): self = .scale
    case 7 where text.elementsEqual("default"): self = .default
    case 8 where text.elementsEqual("standard"): self = .standard
    case 8 where text.elementsEqual("priority"): self = .priority
    default: self = .other
    }
  }
}
