/// The limits of talking to a Redis server, and how long each step may take.
package enum RedisLimits {
  // What one answer may be. Past any of these the connection is given up: a server that answers so is
  // not the store, or is broken.

  /// How deep lists may stand in each other.
  package static let depthMax = 8
  /// The bytes of a line: a status, an error, a number, a length.
  package static let lineBytesMax = 4 << 10
  /// The bytes of one string.
  package static let stringBytesMax = 1 << 20
  /// The elements of one list; of a map, keys and values together.
  package static let elementsMax = 1 << 17
  /// What one answer takes in memory: its strings, and `elementBytes` for each value.
  package static let answerBytesMax = 16 << 20
  /// What a value counts beside its string's bytes.
  package static let elementBytes = 48

  // What is asked.

  /// The calls of one connection that wait for their answers. One more is refused: it is unanswered.
  package static let callsMax = 1_024
  /// The bytes that wait to be sent on one connection; a call beyond it is refused likewise.
  package static let outputBytesMax = 8 << 20
  /// The bytes of a server's own words that an error shows.
  package static let errorTextBytesMax = 200

  // Times.

  /// How long connecting may take, with all that is asked before the first call.
  package static let connectTimeout = Duration.seconds(1)
  /// Where something is asked and nothing is answered for so long, the server counts as lost.
  package static let silenceMax = Duration.seconds(1)
  /// Where it is silent for so long, the connection is given up too; until then a late answer counts.
  package static let connectionSilenceMax = Duration.seconds(3)
  /// The wait after the first failed attempt to connect, and the longest.
  package static let backoffFirst = Duration.milliseconds(50)
  package static let backoffMax = Duration.seconds(2)
  /// How often a Sentinel is asked who the master is, beside what it says by itself.
  package static let masterInterval = Duration.seconds(1)
  /// How often a cluster is asked which server has which slots, where nothing was seen to move.
  package static let slotsInterval = Duration.seconds(30)
  /// The least time between two such questions.
  package static let slotsIntervalMin = Duration.milliseconds(100)
  /// The servers that an address names, and the servers of a cluster that are spoken to.
  package static let seedsMax = 16
  package static let serversMax = 256
}
