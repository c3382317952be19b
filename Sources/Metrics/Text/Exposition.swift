/// Text in Prometheus's exposition format 0.0.4, written into one buffer that its owner keeps for the
/// next time. No String is made for a line: labels come as bytes that are there already.
package struct Exposition {
  package enum Kind {
    case counter, gauge, histogram

    var text: StaticString {
      switch self {
      case .counter: "counter"
      case .gauge: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  package static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

  package private(set) var bytes: [UInt8] = []
  /// The name and suffix of the lines that follow.
  private var line: [UInt8] = []

  package init() {}

  /// Begins a new page in the same memory.
  package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Announces a metric: HELP and TYPE.
  package mutating func metric(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
    append("# HELP ")
    append(name)
    append(" ")
    append(help)
    append("\n# TYPE ")
    append(name)
    append(" ")
    append(kind.text)
    append("\n")
    begin(name)
  }

  /// The lines that follow have that name and suffix.
  mutating func begin(_ name: StaticString, _ suffix: StaticString = "") {
    line.removeAll(keepingCapacity: true)
    LabelText.append(name, to: &line)
    LabelText.append(suffix, to: &line)
  }

  /// The same with the name at hand.
  mutating func setLine(_ name: [UInt8]) { line = name }

  // MARK: Lines

  /// A line up to its value: `labels` is what stands between the braces, `more` follows it.
  @inline(__always)
  mutating func open(
    _ labels: ArraySlice<UInt8>, _ more: [UInt8] = []
  ) {
    bytes.append(contentsOf: line)
    if !labels.isEmpty || !more.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes.append(contentsOf: labels)
      if !more.isEmpty {
        if !labels.isEmpty { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: more)
      }
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
  }

  @inline(__always)
  mutating func end() { bytes.append(UInt8(ascii: "\n")) }

  /// The line of the metric's only series.
  package mutating func sample(_ value: UInt64) {
    open([])
    number(value)
    end()
  }

  package mutating func sample(_ value: Int64) { sample(UInt64(max(0, value))) }
  package mutating func sample(_ value: Int) { sample(UInt64(max(0, value))) }
  package mutating func sample(_ value: Bool) { sample(UInt64(value ? 1 : 0)) }

  /// In so many parts of one: nanoseconds as seconds.
  package mutating func sample(_ value: UInt64, per unit: UInt64) {
    open([])
    fraction(value, per: unit)
    end()
  }

  /// Few lines of few metrics: not for a series for each tenant.
  package mutating func sample(_ labels: [(StaticString, String)], _ value: UInt64) {
    open(Self.labels(labels))
    number(value)
    end()
  }

  package mutating func sample(
    _ labels: [(StaticString, String)] = [], seconds value: Double
  ) {
    open(Self.labels(labels))
    // Six decimals are microseconds; what is not a number is nobody's measurement.
    let micros = value.isFinite ? min(max(value, 0), 1e12) * 1e6 : 0
    fraction(UInt64(micros.rounded()), per: 1_000_000)
    end()
  }

  private static func labels(_ labels: [(StaticString, String)]) -> ArraySlice<UInt8> {
    var text = LabelText()
    for (name, value) in labels { text.add(name, value) }
    return text.bytes[...]
  }

  // MARK: Numbers

  private static let digits = Array(
    (0..<100).map { [UInt8(ascii: "0") + UInt8($0 / 10), UInt8(ascii: "0") + UInt8($0 % 10)] }
      .joined())

  mutating func number(_ value: UInt64) {
    if value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }
    var text = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = value
    while rest >= 10 {
      let pair = Int(rest % 100) * 2
      rest /= 100
      start -= 2
      text[start] = Self.digits[pair]
      text[start + 1] = Self.digits[pair + 1]
    }
    if rest > 0 {
      start -= 1
      text[start] = UInt8(ascii: "0") + UInt8(rest)
    }
    for index in start..<20 { bytes.append(text[index]) }
  }

  /// `value / unit` exactly, for a unit that is a power of ten.
  mutating func fraction(_ value: UInt64, per unit: UInt64) {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
    number(whole)
    guard rest > 0 else { return }
    bytes.append(UInt8(ascii: "."))
    var scale = unit / 10
    var left = rest
    while left > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(left / scale))
      left %= scale
      scale /= 10
      if scale == 0 { break }
    }
  }

  private mutating func append(_ text: StaticString) { LabelText.append(text, to: &bytes) }

  /// The labels of a line, escaped, made once and kept by who renders it again and again.
  package static func labelText(_ labels: [(StaticString, String)]) -> [UInt8] {
    Array(Self.labels(labels))
  }

  /// A line of a series whose labels are text already.
  package mutating func sample(text labels: ArraySlice<UInt8>, _ value: UInt64, per unit: UInt64) {
    open(labels)
    if unit == 1 { number(value) } else { fraction(value, per: unit) }
    end()
  }
}
