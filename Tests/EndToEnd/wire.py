"""Requests that no client library would send: raw HTTP/1.1 bytes and unvalidated HTTP/2."""

import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

import policy as policies

ANSWER_SECONDS = 30
CHAT = b'{"model":"llama3-8b","messages":[{"role":"user","content":"hello"}]}'


@dataclass
class RawReply:
    """`status` is None where the connection or stream was cut without an answer."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> str | None:
        try:
            error = json.loads(self.body)["error"]
            return error["code"]
        except (ValueError, KeyError, TypeError):
            return None


def h1(
    target: str | bytes = "/v1/chat/completions", method: str = "POST",
    host: str | bytes | None = policies.HOST_A, key: str | None = policies.KEY_A,
    headers: Iterable[str | bytes] = (), body: bytes = CHAT, content_type: str | None =
    "application/json", length: bool = True,
) -> bytes:  # fmt: skip
    """The bytes of one request; `headers` are whole lines."""
    lines: list[str | bytes] = [_bytes(method) + b" " + _bytes(target) + b" HTTP/1.1"]
    if host is not None:
        lines.append(b"Host: " + _bytes(host))
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += headers
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return b"\r\n".join(_bytes(line) for line in lines) + b"\r\n\r\n" + body


def send_h1(port: int, request: bytes, method: str = "POST") -> RawReply:
    """Sends bytes as they are and reads one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        try:
            connection.sendall(request)
        except ConnectionError:
            pass  # refused while we were still sending; the answer may be there
        return read_h1(connection.makefile("rb"), method)


def read_h1(stream, method: str = "POST") -> RawReply:
    """Reads one HTTP/1.1 answer."""
    try:
        first = stream.readline()
        if not first:
            return RawReply(None)
        status = int(first.split(b" ")[1])
        headers: dict[str, str] = {}
        while (line := stream.readline().rstrip(b"\r\n")) != b"":
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode("latin-1")
        if status == 101 or method == "HEAD":
            return RawReply(status, headers)
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while (size := int(stream.readline(), 16)) != 0:
                body += stream.read(size)
                stream.readline()
            stream.readline()
        else:
            body = stream.read(int(headers.get("content-length", "0")))
        return RawReply(status, headers, body)
    except ConnectionError:
        return RawReply(None)


def h2_fields(
    path: str = "/v1/chat/completions", method: str = "POST", authority: str = policies.HOST_A,
    key: str | None = policies.KEY_A, extra: Iterable[tuple[str, str]] = (),
) -> list[tuple[str, str]]:  # fmt: skip
    fields = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
    if key is not None:
        fields.append(("authorization", f"Bearer {key}"))
    return fields + [("content-type", "application/json"), *extra]


def send_h2(port: int, fields: list[tuple[str, str]], body: bytes = CHAT) -> RawReply:
    """One HTTP/2 request whose headers nobody on this side checks."""
    config = h2.config.H2Configuration(
        client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False,
        validate_inbound_headers=False,
    )  # fmt: skip
    reply = RawReply(None)
    session = h2.connection.H2Connection(config)
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        session.initiate_connection()
        session.send_headers(1, fields, end_stream=not body)
        if body:
            session.send_data(1, body, end_stream=True)
        connection.sendall(session.data_to_send())
        end = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < end:
            try:
                data = connection.recv(65536)
            except ConnectionError:
                return reply
            if not data:
                return reply
            try:
                events = session.receive_data(data)
            except h2.exceptions.ProtocolError:
                return reply
            for event in events:
                if isinstance(event, h2.events.ResponseReceived):
                    reply.headers = {_text(n): _text(v) for n, v in event.headers}
                    reply.status = int(reply.headers[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    reply.body += event.data
                elif isinstance(
                    event,
                    (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated),
                ):
                    return reply
            connection.sendall(session.data_to_send())
    raise AssertionError("no answer over HTTP/2")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
