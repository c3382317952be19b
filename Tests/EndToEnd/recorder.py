"""The tests' backend: an HTTP/1.1 server that records every request it gets, byte for byte.

Tests prove that a hostile request was stopped by its absence here. So this server parses by hand,
refuses nothing, normalises nothing and records a request as soon as its head is there. It runs on a
thread of its own, with one listener for each cluster.
What it answers is chosen by the request's own `x-test-*` headers:

    x-test-hold: 1            wait for the test's `release()` before answering
    x-test-events: N          answer with N server-sent events, then [DONE]
    x-test-interval-ms: N     wait between events
    x-test-status: N          answer with this status
    x-test-cut-after: N       close the connection after N events, the answer unfinished
    x-test-headers: N         add N header fields to the answer
    x-test-header-bytes: N    add so many bytes of header values to the answer

or, for a request with a given `x-test-id`, set beforehand with `Recorder.replay`.
"""

import asyncio
import hashlib
import json
import socket
import threading
from dataclasses import dataclass, field

# Bodies above this are kept as a digest only.
BODY_KEPT_MAX = 1 << 20
HEAD_BYTES_MAX = 1 << 20
# Thousands connect at once; the kernel takes them in, or Envoy's connect_timeout passes.
BACKLOG = 4096
# The longest that an answer waits for its client to leave.
HOLD_MS_MAX = 60_000


@dataclass
class Seen:
    """One request as a backend saw it."""

    cluster: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    length: int = 0
    sha256: str = ""
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    answered: bool = False

    def values(self, name: str) -> list[str]:
        """Every value of a header, by its exact (lower-case) name."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: str) -> str | None:
        """The one value of a header; fails the test where there are several."""
        values = self.values(name)
        assert len(values) < 2, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None


@dataclass
class Canned:
    """An answer given byte for byte; each piece is a chunk of its own."""

    pieces: list[bytes]
    content_type: str = "application/json"
    status: int = 200
    # Further header fields, such as content-encoding.
    fields: tuple[tuple[str, str], ...] = ()
    # After so many pieces nothing more comes until the peer goes away.
    hold_after: int | None = None
    # After so many pieces the connection is closed, the answer unfinished.
    cut_after: int | None = None
    # The connection is closed instead of an answer.
    is_absent: bool = False


class Recorder:
    """Listens for every cluster named; `seen` grows with each request's head."""

    def __init__(self, ports: dict[str, int]):
        self.ports = ports
        self.seen: list[Seen] = []
        self.open = 0
        self.open_max = 0
        self.aborted = 0
        self.held = 0
        self._canned: dict[str, Canned] = {}
        self._lock = threading.Lock()
        self._released = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the recording backend did not start")
        if self._problem:
            raise self._problem

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def release(self) -> None:
        """Lets every request go on that is held now; the next ones are held again."""

        def let_go() -> None:
            self._released.set()
            self._released = asyncio.Event()

        self._loop.call_soon_threadsafe(let_go)

    def mark(self) -> int:
        """The present end of the record, to ask later what came since."""
        with self._lock:
            return len(self.seen)

    def since(self, mark: int) -> list[Seen]:
        with self._lock:
            return self.seen[mark:]

    def by_id(self, test_id: str) -> list[Seen]:
        """Requests that carried this `x-test-id`."""
        with self._lock:
            return [seen for seen in self.seen if test_id in seen.values("x-test-id")]

    def replay(self, test_id: str, canned: Canned) -> None:
        """Every request with this `x-test-id` is answered so."""
        with self._lock:
            self._canned[test_id] = canned

    # The server.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            for cluster, port in self.ports.items():
                listener = socket.socket()
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))

                async def serve(reader, writer, cluster=cluster):
                    await self._connection(cluster, reader, writer)

                self._loop.run_until_complete(
                    asyncio.start_server(
                        serve, sock=listener, limit=HEAD_BYTES_MAX, backlog=BACKLOG
                    )
                )
        except BaseException as problem:  # told to start(), which raises it
            self._problem = problem
            self._ready.set()
            return
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()

    async def _connection(self, cluster, reader, writer) -> None:
        try:
            while await self._request(cluster, reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _request(self, cluster, reader, writer) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        seen = Seen(cluster, method, target, [_field(line) for line in lines])
        with self._lock:
            self.seen.append(seen)
        digest = hashlib.sha256()
        kept = bytearray()

        def take(piece: bytes) -> None:
            seen.length += len(piece)
            digest.update(piece)
            if seen.length <= BODY_KEPT_MAX:
                kept.extend(piece)

        if "chunked" in ",".join(seen.values("transfer-encoding")).lower():
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                if size == 0:
                    break
                take(await reader.readexactly(size))
                await reader.readexactly(2)
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                seen.trailers.append(_field(line[:-2].decode("latin-1")))
        else:
            left = int((seen.values("content-length") or ["0"])[0])
            while left:
                piece = await reader.readexactly(min(left, 1 << 18))
                left -= len(piece)
                take(piece)
        seen.sha256 = digest.hexdigest()
        seen.body = bytes(kept) if seen.length <= BODY_KEPT_MAX else b""
        with self._lock:
            self.open += 1
            self.open_max = max(self.open_max, self.open)
        try:
            await self._answer(seen, reader, writer)
            seen.answered = True
        except (ConnectionError, asyncio.IncompleteReadError):
            self.aborted += 1
            raise
        finally:
            with self._lock:
                self.open -= 1
        return True

    async def _answer_canned(self, canned: Canned, reader, writer) -> None:
        if canned.is_absent:
            raise ConnectionError("no answer on request")
        fields = [("content-type", canned.content_type)] if canned.content_type else []
        fields += [*canned.fields, ("transfer-encoding", "chunked")]
        head = f"HTTP/1.1 {canned.status} Canned\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields)
        writer.write(head.encode() + b"\r\n")
        for number, piece in enumerate([*canned.pieces, b""]):
            if canned.cut_after == number:
                await writer.drain()
                raise ConnectionError("cut on request")
            if canned.hold_after == number:
                await writer.drain()
                await self._wait(HOLD_MS_MAX, reader)
                raise ConnectionError("the client stayed")
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()

    async def _answer(self, seen: Seen, reader, writer) -> None:
        with self._lock:
            canned = next(
                (self._canned[i] for i in seen.values("x-test-id") if i in self._canned), None
            )
        if canned:
            return await self._answer_canned(canned, reader, writer)
        asked = {
            name: int(seen.values(f"x-test-{name}")[0])
            for name in (
                "hold", "events", "interval-ms", "status", "cut-after", "headers", "header-bytes",
            )  # fmt: skip
            if seen.values(f"x-test-{name}")
        }
        if asked.get("hold"):
            self.held += 1
            try:
                await self._released.wait()
            finally:
                self.held -= 1
        status = asked.get("status", 200)
        more = b"".join(b"x-more-%d: 1\r\n" % number for number in range(asked.get("headers", 0)))
        # In several: no part that reads them has to take a long line.
        for left in range(asked.get("header-bytes", 0), 0, -8000):
            more += b"x-long-%d: %s\r\n" % (left, b"m" * min(left, 8000))
        if "events" in asked:
            writer.write(
                b"HTTP/1.1 %d OK\r\ncontent-type: text/event-stream\r\n%s"
                b"transfer-encoding: chunked\r\n\r\n" % (status, more)
            )
            for number in range(asked["events"]):
                if asked.get("cut-after") == number:
                    raise ConnectionError("cut on request")
                event = b'data: {"choices":[{"delta":{"content":"w%d "}}]}\n\n' % number
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                await writer.drain()
                if asked.get("interval-ms"):
                    await self._wait(asked["interval-ms"], reader)
            done = b"data: [DONE]\n\n"
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))
        else:
            body = json.dumps(
                {
                    "object": "chat.completion",
                    "cluster": seen.cluster,
                    "length": seen.length,
                    "sha256": seen.sha256,
                    "choices": [{"message": {"role": "assistant", "content": "hello"}}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
                }
            ).encode()
            writer.write(
                b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
                % (status, more, len(body), body)
            )
        await writer.drain()

    async def _wait(self, milliseconds: int, reader) -> None:
        """Waits; notices a peer that goes away meanwhile."""
        end = self._loop.time() + milliseconds / 1000
        while (left := end - self._loop.time()) > 0:
            if reader.at_eof():
                raise ConnectionError("the client left")
            await asyncio.sleep(min(left, 0.05))


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip(" \t")
