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
  /// The same with the brace that opens labels.
  private(set) var prefix: [UInt8] = []

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

  /// The lines that follow have that name.
  private mutating func begin(_ name: StaticString) {
    line.removeAll(keepingCapacity: true)
    LabelText.append(name, to: &line)
    prefix = line + [UInt8(ascii: "{")]
  }

  // MARK: Lines

  /// A line up to its value: `labels` is what stands between the braces.
  private mutating func open(_ labels: ArraySlice<UInt8>) {
    bytes.append(contentsOf: line)
    if !labels.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes.append(contentsOf: labels)
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
  }

  private mutating func end() { bytes.append(UInt8(ascii: "\n")) }

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

  mutating func number(_ value: UInt64) {
    write(atMost: LineCursor.valueBytesMax) { $0.number(value) }
  }

  /// `value / unit` exactly, for a unit that is a power of ten.
  mutating func fraction(_ value: UInt64, per unit: UInt64) {
    write(atMost: LineCursor.valueBytesMax) {
      $0.fraction(value, per: unit, decimals: Self.decimals(unit))
    }
  }

  /// The zeros of a power of ten.
  static func decimals(_ unit: UInt64) -> Int {
    var (decimals, rest) = (0, unit)
    while rest >= 10 {
      rest /= 10
      decimals += 1
    }
    return decimals
  }

  private mutating func append(_ text: StaticString) { LabelText.append(text, to: &bytes) }

  /// A line of a series whose labels are text already.
  package mutating func sample(text labels: ArraySlice<UInt8>, _ value: UInt64, per unit: UInt64) {
    let decimals = Self.decimals(unit)
    write(atMost: prefix.count + labels.count + 3 + LineCursor.valueBytesMax) { [prefix] cursor in
      cursor.copy(prefix.span)
      cursor.copy(labels.span)
      cursor.byte(UInt8(ascii: "}"))
      cursor.byte(UInt8(ascii: " "))
      cursor.fraction(value, per: unit, decimals: decimals)
      cursor.byte(UInt8(ascii: "\n"))
    }
  }

  // MARK: Room

  /// Makes room for a page of about so many bytes, so that it does not grow step by step; memory
  /// that is not written to costs nothing.
  package mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Lets `body` write up to `room` bytes.
  @inline(__always)
  mutating func write(atMost room: Int, _ body: (inout LineCursor) -> Void) {
    bytes.append(addingCapacity: room) { output in
      // The buffer stays for the call; as many bytes of it are initialized as the cursor counts.
      unsafe output.withUnsafeMutableBufferPointer { buffer, count in
        var cursor = unsafe LineCursor(buffer, count: count)
        body(&cursor)
        count = cursor.count
      }
    }
  }
}
