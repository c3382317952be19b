"""Stands for every cluster: remembers what reached it, and answers so that filters let requests pass.

HTTP/1.1 and HTTP/2 on the same port, told apart by the first bytes. A gRPC call is answered by what its
method wants to hear: an authorizer allows, a rate limit has room, a processor changes nothing.
"""

import asyncio
import re
import socket
import threading
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events

PREFACE = b"PRI * HTTP/2.0"
HEAD_BYTES_MAX = 1 << 20
MARK = re.compile(rb"prove=([a-z0-9]+)")
ANSWER = (
    b'{"id":"a","object":"chat.completion","choices":[{"message":{"role":"assistant","content":"hi"}}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)


@dataclass(frozen=True)
class Seen:
    """One request at one cluster."""

    cluster: str
    # The mark of the request that caused it; empty where it carries none.
    mark: str
    request_id: str
    line: str
    is_grpc: bool


class Recorder:
    """Listens on every port of `ports`; `seen` grows."""

    def __init__(self, ports: dict[str, int]):
        self.ports = ports
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(20):
            raise RuntimeError("the recorder did not start")

    def take(self) -> list[Seen]:
        """What was seen since the last time."""
        with self._lock:
            seen, self.seen = self.seen, []
        return seen

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for cluster, port in self.ports.items():
            listener = socket.create_server(("127.0.0.1", port), backlog=512)

            async def serve(reader, writer, cluster=cluster):
                try:
                    await self._connection(cluster, reader, writer)
                except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    pass
                finally:
                    writer.close()

            self._loop.run_until_complete(
                asyncio.start_server(serve, sock=listener, limit=HEAD_BYTES_MAX)
            )
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()

    def _note(self, cluster: str, line: str, fields: list[tuple[bytes, bytes]]) -> None:
        text = b"\n".join(name + b": " + value for name, value in fields)
        values = {name.lower(): value for name, value in fields}
        mark = MARK.search(line.encode() + b"\n" + text)
        seen = Seen(
            cluster, mark[1].decode() if mark else "",
            values.get(b"x-ai-request-id", b"").decode("latin-1"), line,
            values.get(b"content-type", b"").startswith(b"application/grpc"),
        )  # fmt: skip
        with self._lock:
            self.seen.append(seen)

    async def _connection(self, cluster, reader, writer) -> None:
        start = await reader.read(1)
        while start and start == PREFACE[: len(start)] and len(start) < len(PREFACE):
            piece = await reader.read(len(PREFACE) - len(start))
            if not piece:
                return
            start += piece
        if start == PREFACE:
            await self._http2(cluster, start, reader, writer)
        elif start:
            await self._http1(cluster, start, reader, writer)

    async def _http1(self, cluster, start, reader, writer) -> None:
        while True:
            try:
                head = start + await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                # Not HTTP, or not whole: it reached the cluster all the same.
                self._note(cluster, start.decode("latin-1") + "… (not HTTP)", [])
                return
            first, *lines = head[:-4].split(b"\r\n")
            fields = [tuple(line.split(b": ", 1)) for line in lines if b": " in line]
            self._note(cluster, first.decode("latin-1"), fields)
            named = {name.lower(): value for name, value in fields}
            if named.get(b"transfer-encoding", b"").lower() == b"chunked":
                while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
                    await reader.readexactly(size + 2)
                while await reader.readuntil(b"\r\n") != b"\r\n":
                    pass
            else:
                await reader.readexactly(int(named.get(b"content-length", b"0")))
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % len(ANSWER)
            )
            if not first.startswith(b"HEAD "):
                writer.write(ANSWER)
            await writer.drain()
            start = await reader.read(1)
            if not start:
                return

    async def _http2(self, cluster, start, reader, writer) -> None:
        session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        session.initiate_connection()
        calls: dict[int, _Call] = {}
        data = start
        while data:
            for event in session.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    fields = [(_raw(name), _raw(value)) for name, value in event.headers]
                    named = dict(fields)
                    line = b"%s %s" % (named.get(b":method", b""), named.get(b":path", b""))
                    self._note(cluster, line.decode("latin-1"), fields)
                    calls[event.stream_id] = _Call(named)
                elif isinstance(event, h2.events.DataReceived):
                    session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if call := calls.get(event.stream_id):
                        call.data += event.data
                elif isinstance(event, h2.events.StreamReset):
                    calls.pop(event.stream_id, None)
                if getattr(event, "stream_ended", None) or isinstance(event, h2.events.StreamEnded):
                    if call := calls.get(event.stream_id):
                        call.ended = True
            for stream, call in list(calls.items()):
                if call.answer(session, stream):
                    del calls[stream]
            writer.write(session.data_to_send())
            await writer.drain()
            data = await reader.read(1 << 16)


class _Call:
    """One HTTP/2 request under way."""

    def __init__(self, fields: dict[bytes, bytes]):
        self.path = fields.get(b":path", b"")
        self.is_grpc = fields.get(b"content-type", b"").startswith(b"application/grpc")
        self.data = b""
        self.ended = False
        self.began = False
        self.duplex = False

    def answer(self, session, stream: int) -> bool:
        """Sends what can be sent; true when the call is over."""
        if not self.is_grpc:
            if self.ended:
                session.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
                session.send_data(stream, ANSWER, end_stream=True)
            return self.ended
        is_processor = self.path.endswith(b"ExternalProcessor/Process")
        if not self.began and (self.ended or is_processor):
            self.began = True
            session.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        while is_processor and len(self.data) >= 5:
            size = int.from_bytes(self.data[1:5], "big")
            if len(self.data) < 5 + size:
                break
            message, self.data = self.data[5 : 5 + size], self.data[5 + size :]
            session.send_data(stream, _framed(self._processed(message)))
        if not self.ended:
            return False
        if not is_processor:
            session.send_data(stream, _framed(b"\x08\x01" if b"RateLimit" in self.path else b""))
        session.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        return True

    def _processed(self, message: bytes) -> bytes:
        """The ProcessingResponse that changes nothing: its fields are one below the request's."""
        for number, value in _fields(message):
            # protocol_config {request_body_mode, response_body_mode}: 5 is FULL_DUPLEX_STREAMED.
            if number == 11:
                self.duplex = any(mode == 5 for _, mode in _fields(value))
        for number, value in _fields(message):
            if 2 <= number <= 7:
                inner = b""
                if number in (4, 5) and self.duplex:
                    # CommonResponse.body_mutation.streamed_response has HttpBody's own fields.
                    inner = _field(1, _field(4, _field(3, value)))
                return _field(number - 1, inner)
        return b""


def _fields(data: bytes):
    """The fields of a protobuf message: varints as numbers, the rest as bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while at < len(data):
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 2:
            size = varint()
            yield tag >> 3, data[at : at + size]
            at += size
        elif tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            at += 8 if tag & 7 == 1 else 4


def _field(number: int, value: bytes) -> bytes:
    size, rest = b"", len(value)
    while rest > 127:
        size += bytes([rest & 127 | 128])
        rest >>= 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + value


def _framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
