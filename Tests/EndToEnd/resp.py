"""A client of Redis for the tests: the protocol's version 2, one connection, every wait bounded."""

import contextlib
import socket


class RedisError(Exception):
    """What the server answered instead of a value, such as `NOAUTH Authentication required.`"""


class RedisClient:
    """`client("SET", "a", 1)`. Answers are bytes, numbers, None and lists of them.

    `place`: a port of this machine, `HOST:PORT`, or the path of a Unix socket."""

    def __init__(
        self, place: int | str, password: str | None = None, seconds: float = 5, database: int = 0
    ):
        if str(place).startswith("/"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(seconds)
            self._socket.connect(place)
        else:
            host, _, port = str(place).rpartition(":")
            self._socket = socket.create_connection((host or "127.0.0.1", int(port)), timeout=seconds)
        self._file = self._socket.makefile("rb")
        if password:
            self("AUTH", password)
        if database:
            self("SELECT", database)

    def __enter__(self) -> "RedisClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            self._socket.close()

    @staticmethod
    def packed(*words: object) -> bytes:
        """A command as it is sent."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts)
        return request + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)

    def __call__(self, *words: object):
        self.send(self.packed(*words))
        return self.answer()

    def send(self, commands: bytes) -> None:
        """Commands whose answers are read later, one each."""
        self._socket.sendall(commands)

    def answer(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"$":
            return self._file.read(length + 2)[:-2]
        if kind == b"*":
            return [self.answer() for _ in range(length)]
        raise ConnectionError(f"an answer of unknown kind: {line!r}")


def fields_of(text: bytes) -> dict[str, str]:
    """The `name:value` lines of INFO, CLUSTER INFO and the like."""
    lines = (line for line in text.decode().splitlines() if ":" in line)
    return dict(line.split(":", 1) for line in lines)
