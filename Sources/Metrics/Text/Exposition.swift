/// Writes a page in Prometheus's exposition format 0.0.4 into one buffer, which its owner keeps for the
/// next page. For the many lines of the series no String is made: their labels are bytes already.
struct Exposition {
  /// The TYPE of a metric.
  enum Kind {
    case counter, gauge, histogram

    var text: StaticString {
      switch self {
      case .counter: "counter"
      case .gauge: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  /// The page so far.
  private(set) var bytes: [UInt8] = []
  /// The name of the current metric, with which its lines begin.
  private var line: [UInt8] = []
  /// That name and the brace that opens the labels.
  private(set) var prefix: [UInt8] = []

  init() {}

  /// Begins a new page in the memory of the last one.
  mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Begins a metric: writes its HELP and TYPE. The samples that follow are its.
  mutating func metric(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
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

  /// Sets the name of the lines that follow.
  private mutating func begin(_ name: StaticString) {
    line.removeAll(keepingCapacity: true)
    LabelText.append(name, to: &line)
    prefix = line + [UInt8(ascii: "{")]
  }

  // MARK: Lines

  /// Writes a line up to its value; `labels` is the text between the braces.
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

  /// Writes the sample of a metric without labels.
  mutating func sample(_ value: UInt64) {
    open([])
    number(value)
    end()
  }

  /// Writes the sample of a metric without labels; a negative value counts as 0.
  mutating func sample(_ value: Int64) { sample(UInt64(max(0, value))) }
  /// Writes the sample of a metric without labels; a negative value counts as 0.
  mutating func sample(_ value: Int) { sample(UInt64(max(0, value))) }
  /// Writes the sample of a metric without labels: 1 or 0.
  mutating func sample(_ value: Bool) { sample(UInt64(value ? 1 : 0)) }

  /// Writes `value / unit` without labels, for a unit that is a power of ten: nanoseconds as seconds.
  mutating func sample(_ value: UInt64, per unit: UInt64) {
    open([])
    fraction(value, per: unit)
    end()
  }

  /// Writes a sample with labels. It makes Strings: not for metrics that have a series for each tenant.
  mutating func sample(_ labels: [(StaticString, String)], _ value: UInt64) {
    open(Self.labels(labels))
    number(value)
    end()
  }

  /// Writes a time in seconds, with labels where there are any.
  mutating func sample(
    _ labels: [(StaticString, String)] = [], seconds value: Double
  ) {
    open(Self.labels(labels))
    // Rounded to six decimals, microseconds; NaN and infinity cannot be measured and count as 0.
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

  /// How many zeros a power of ten has.
  static func decimals(_ unit: UInt64) -> Int {
    var (decimals, rest) = (0, unit)
    while rest >= 10 {
      rest /= 10
      decimals += 1
    }
    return decimals
  }

  private mutating func append(_ text: StaticString) { LabelText.append(text, to: &bytes) }

  /// Writes a sample whose labels are text already, with the value `value / unit`.
  mutating func sample(text labels: ArraySlice<UInt8>, _ value: UInt64, per unit: UInt64) {
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

  /// Reserves memory for a page of about `count` bytes, so that the buffer does not grow step by step.
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

  /// Lets `body` write up to `room` bytes.
  @inline(__always)
  mutating func write(atMost room: Int, _ body: (inout LineCursor) -> Void) {
    bytes.append(addingCapacity: room) { output in
      // The buffer is valid for the call; the cursor counts the bytes that were initialized.
      unsafe output.withUnsafeMutableBufferPointer { buffer, count in
        var cursor = unsafe LineCursor(buffer, count: count)
        body(&cursor)
        count = cursor.count
      }
    }
  }
}
