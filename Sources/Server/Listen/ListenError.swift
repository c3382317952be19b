/// Why a listener could not be opened.
package enum ListenError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Something answers on the Unix socket.
  case inUse(ListenAddress)
  /// The Unix socket's path is a file that is not a socket.
  case notASocket(ListenAddress)
  /// Other machines can reach the address, and `--allow-plaintext-network` was not given.
  case plaintextNetwork(ListenAddress)
  case system(ListenAddress, SystemError)

  package var description: String {
    switch self {
    case .inUse(let address):
      "cannot listen on \(address): another process answers there"
    case .notASocket(let address):
      "cannot listen on \(address): a file that is not a socket is in the way"
    case .plaintextNetwork(let address):
      "cannot listen on \(address): it is reachable from the network and there is no TLS here;"
        + " use a Unix socket or a loopback address, or give --allow-plaintext-network"
    case .system(let address, let error):
      "cannot listen on \(address): \(error)"
    }
  }
}
