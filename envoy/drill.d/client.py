"""Clients of the gateway: each exchange is remembered, so that the books can be held against them."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

# Longer than any wait of a gateway that keeps its timeouts: beyond it something hangs.
PATIENCE_SECONDS = 30
# Longer than any answer of the drill; a stream that is to end may not go on beyond it either.
WHOLE_SECONDS = 60
HOST = "localhost"
BROKEN = (OSError, http.client.HTTPException)
# What a key and its tenant are called behind "drill-key-" and "drill-".
TENANTS = ("single", "small", "spent", "budget", "half", "deny", "allow")
# Statuses of refusals: they are recorded as denials, and a flood of them as one with its count.
REFUSED = {401, 403, 404, 405, 413, 415, 429}
# The same for a status that a backend may answer too.
REFUSED_WITH_503 = {"store_unavailable", "overloaded"}


@dataclass
class Exchange:
    """One request, and what its client saw of the answer."""

    tenant: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    # The answer came whole; otherwise it was cut, or the client left.
    is_whole: bool = False
    fault: str = ""
    # Sent while Tollgate was away: nothing of it may be on record.
    is_unreached: bool = False
    first_byte_seconds: float | None = None
    seconds: float = 0

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-ai-request-id")

    @property
    def model_route(self) -> str | None:
        return self.headers.get("x-ai-model-route")

    @property
    def json(self) -> dict:
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def code(self) -> str | None:
        """The refusal's code; None for no JSON error."""
        error = self.json.get("error")
        return error.get("code") if isinstance(error, dict) else None

    @property
    def is_refused(self) -> bool:
        """Whether Tollgate refused it, in words of its own."""
        return self.status in REFUSED or (self.status == 503 and self.code in REFUSED_WITH_503)

    @property
    def events(self) -> list[dict]:
        """The JSON events of a stream."""
        lines = self.body.split(b"\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {") and line.endswith(b"}")]

    @property
    def text(self) -> str:
        """What a chat stream said."""
        deltas = (choice["delta"] for event in self.events for choice in event.get("choices", []))
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def is_done(self) -> bool:
        return self.is_whole and self.body.endswith(b"data: [DONE]\n\n")

    @property
    def usage(self) -> tuple[int, int] | None:
        """Prompt and completion tokens as the client was told; None where it was not."""
        found = None
        for value in [self.json, *self.events] if self.is_whole and self.status == 200 else []:
            found = value.get("usage") or found
        if not found:
            return None
        prompt = found.get("prompt_tokens", found.get("input_tokens", 0))
        return prompt, found.get("completion_tokens", found.get("output_tokens", 0))


class Stream:
    """An open answer, read event by event.

    http.client reads the head only: it takes a chunked answer that is cut for one that is whole.
    """

    def __init__(self, connection, response, exchange: Exchange, began: float):
        self._connection, self._response, self._began = connection, response, began
        self._unread = b""
        self.exchange = exchange

    def event(self) -> bytes:
        """The next event with its empty line; less at the end, or when it is cut."""
        exchange = self.exchange
        while b"\n\n" not in self._unread and not exchange.is_whole and not exchange.fault:
            try:
                piece = self._piece()
            except (*BROKEN, ValueError) as fault:
                exchange.fault = fault_name(fault)
                break
            if exchange.first_byte_seconds is None:
                exchange.first_byte_seconds = time.monotonic() - self._began
            self._unread += piece
            if not piece:
                # Closed for reading, so that the connection can carry another request.
                self._response.close()
                exchange.is_whole = True
        end = self._unread.find(b"\n\n") + 2
        event = self._unread[: end if end > 1 else len(self._unread)]
        self._unread = self._unread[len(event) :]
        exchange.body += event
        return event

    def _piece(self) -> bytes:
        """A chunk, or a body of known length; empty at a clean end (RFC 9112, section 7.1)."""
        source = self._response.fp if self._response else None
        if source is None:
            if self._response and self._response.length == 0:
                return b""
            raise ConnectionError("no answer")
        if not self._response.chunked:
            count, self._response.length = self._response.length, 0
            return self._exactly(source, count) if count else b""
        line = source.readline()
        if not line.endswith(b"\r\n"):
            raise http.client.IncompleteRead(line)
        size = int(line, 16)
        piece = self._exactly(source, size)
        while source.readline() not in (b"\r\n", b""):
            pass
        return piece

    @staticmethod
    def _exactly(source, count: int) -> bytes:
        piece = source.read(count)
        if len(piece) < count:
            raise http.client.IncompleteRead(piece, count - len(piece))
        return piece

    def patience(self, seconds: float) -> None:
        """How long to wait for the next bytes."""
        if self._connection.sock:
            self._connection.sock.settimeout(seconds)

    def rest(self, seconds: float = WHOLE_SECONDS) -> Exchange:
        """Reads to the end, and closes; an answer that has none in this time has the fault "timeout"."""
        end = time.monotonic() + seconds
        self.patience(min(seconds, PATIENCE_SECONDS))
        while self.event() and not self.exchange.fault:
            if time.monotonic() > end:
                self.exchange.fault = "timeout"
        self.close()
        return self.exchange

    def close(self) -> None:
        self._connection.close()
        self.exchange.seconds = time.monotonic() - self._began


def fault_name(fault: BaseException) -> str:
    return "timeout" if isinstance(fault, TimeoutError) else type(fault).__name__


class Clients:
    """Asks, and keeps every exchange in `seen`."""

    def __init__(self, port: int):
        self.port = port
        self.seen: list[Exchange] = []
        # Exchanges of others, hey's: (tenant, status, prompt tokens of each, how many).
        self.counted: list[tuple[str, int, int, int]] = []
        self._local = threading.local()

    def open(
        self, path: str, body: dict, key: str = "drill-key", headers: dict | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Stream:  # fmt: skip
        """Sends a request on a connection of its own and waits for the answer's head."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        return self._begin(connection, path, body, key, headers)

    def stream(self, path: str, body: dict, key: str = "drill-key", headers: dict | None = None) -> Exchange:
        """The whole answer on a connection of its own."""
        return self.open(path, body, key, headers).rest()

    def ask(self, path: str, body: dict, key: str = "drill-key", headers: dict | None = None) -> Exchange:
        """The whole answer on the calling thread's connection, which is kept."""
        connection = getattr(self._local, "connection", None)
        if connection is None or connection.port != self.port:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            self._local.connection = connection
        stream = self._begin(connection, path, body, key, headers)
        exchange = stream.exchange
        while stream.event() and not exchange.fault:
            pass
        exchange.seconds = time.monotonic() - stream._began
        if not exchange.is_whole:
            stream.close()
        return exchange

    def _begin(self, connection, path, body, key, headers) -> Stream:
        exchange = Exchange(tenant_of(key))
        self.seen.append(exchange)
        fields = {
            "host": HOST, "authorization": f"Bearer {key}", "content-type": "application/json",
        }  # fmt: skip
        began = time.monotonic()
        response = None
        try:
            connection.request("POST", path, json.dumps(body).encode(), fields | (headers or {}))
            response = connection.getresponse()
            exchange.status = response.status
            exchange.headers = {name.lower(): value for name, value in response.getheaders()}
        except BROKEN as fault:
            exchange.fault = fault_name(fault)
            connection.close()
        return Stream(connection, response, exchange, began)


def tenant_of(key: str) -> str:
    """The drill's keys are named after their tenants."""
    suffix = key.removeprefix("drill-key").removeprefix("-")
    return f"drill-{suffix}" if suffix in TENANTS else "drill"


def together(calls: list, width: int = 0) -> list:
    """Runs these calls at once, or `width` at a time; their values in order."""
    with ThreadPoolExecutor(width or max(1, len(calls))) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


class Background:
    """Clients that ask without pause until they are told to stop."""

    def __init__(self, calls: list):
        self._is_over = threading.Event()
        self._answers: list[Exchange] = []
        self._threads = [threading.Thread(target=self._go, args=(call,), daemon=True) for call in calls]
        for thread in self._threads:
            thread.start()

    def _go(self, call) -> None:
        while not self._is_over.is_set():
            answer = call()
            self._answers.append(answer)
            if answer.status != 200:
                # No busy loop against a gateway that is away.
                self._is_over.wait(0.02)

    @property
    def count(self) -> int:
        return len(self._answers)

    def stop(self) -> list[Exchange]:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        return self._answers


def percentile(values: list[float], share: float) -> float:
    """By nearest rank; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def milliseconds(values: list[float]) -> str:
    """The usual percentiles of times in seconds."""
    return ", ".join(f"p{round(share * 100)} {percentile(values, share) * 1000:.1f} ms" for share in (0.5, 0.95, 0.99))
