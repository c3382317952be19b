"""The simulator as an HTTP/1.1 server: framing, echo, log, limits, endings."""

import hashlib
import json
import socket
import struct

import httpx
import pytest

CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = CHAT[:-1] + b',"stream":true}'
BODY_LIMIT = 64 * 1024 * 1024
HEAD_LIMIT = 256 * 1024


class Connection:
    """A raw connection. Every read ends at a known length or at the connection's end."""

    def __init__(self, simulator, name="one"):
        self.socket = socket.create_connection(("127.0.0.1", simulator.ports[name]))
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part)

    def line(self):
        return self.until(b"\n")

    def until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        end = self.buffer.index(mark) + len(mark)
        found, self.buffer = self.buffer[:end], self.buffer[end:]
        return found

    def exactly(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def response(self):
        """Status, headers, body of a response with a length."""
        head = self.until(b"\r\n\r\n").decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = self.exactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    def rest(self):
        while data := self.socket.recv(65536):
            self.buffer += data
        return self.buffer


def post(path=b"/v1/chat/completions", body=CHAT, *headers):
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: h", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def log(simulator, name="one"):
    return httpx.get(simulator.url(name) + "/__sim/requests").json()


def test_echo_tells_everything_that_was_received(simulator):
    with Connection(simulator, "two") as connection:
        connection.send(
            b"PUT /any/path?q=1 HTTP/1.1\r\nHost: h\r\nX-Twice: a\r\nX-Twice:  b \r\nx-sim-echo: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
        )
        status, headers, body = connection.response()
    echo = json.loads(body)
    assert status == 200 and headers["x-sim-backend"] == "two"
    assert (echo["backend"], echo["method"], echo["path"]) == ("two", "PUT", "/any/path?q=1")
    assert [pair for pair in echo["headers"] if pair[0] == "X-Twice"] == [["X-Twice", "a"], ["X-Twice", "b"]]
    assert echo["body_bytes"] == 5 and echo["trailers"] == [["X-Trailer", "t"]]
    assert echo["body_sha256"] == hashlib.sha256(b"abcde").hexdigest()


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000])
def test_the_echoed_digest_is_sha256(simulator, length):
    body = bytes(range(256)) * 4
    echo = httpx.post(simulator.url() + "/x", content=body[:length], headers={"x-sim-echo": "1"}).json()
    assert echo["body_sha256"] == hashlib.sha256(body[:length]).hexdigest()


def test_a_request_cut_at_every_byte_is_the_same_request(simulator):
    request = (
        b"POST /x HTTP/1.1\r\nHost: h\r\nx-sim-echo: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4\r\nabcd\r\n0\r\nt: v\r\n\r\n"
    )
    with Connection(simulator) as connection:
        answers = set()
        for at in range(1, len(request)):
            connection.send(request[:at])
            connection.send(request[at:])
            answers.add(connection.response()[2])
    assert len(answers) == 1


def test_one_connection_carries_many_requests_even_pipelined(simulator):
    with Connection(simulator) as connection:
        connection.send(post() + post() + b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
        assert [connection.response()[0] for _ in range(3)] == [200, 200, 404]


def test_connection_close_is_honoured(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", CHAT, b"Connection: close"))
        status, headers, _ = connection.response()
        assert (status, headers["connection"]) == (200, "close")
        assert connection.rest() == b""


def test_a_client_that_waits_is_told_to_continue(simulator):
    head, body = post(b"/v1/chat/completions", CHAT, b"Expect: 100-continue").split(b"\r\n\r\n")
    with Connection(simulator) as connection:
        connection.send(head + b"\r\n\r\n")
        assert connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.response()[0] == 200


def test_unknown_paths_and_methods_are_refused_in_json(simulator):
    for method, path, status in [("GET", "/", 404), ("GET", "/v1/chat/completions", 405), ("POST", "/v1/none", 404)]:
        answer = httpx.request(method, simulator.url() + path)
        assert answer.status_code == status and "message" in answer.json()["error"]
    assert httpx.post(simulator.url() + "/v1/chat/completions", content=b"[]").status_code == 400


@pytest.mark.parametrize(
    "request_bytes, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nname : value\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
    ],
)
def test_broken_requests_are_answered_and_closed(simulator, request_bytes, status):
    with Connection(simulator) as connection:
        connection.send(request_bytes)
        assert connection.response()[0] == status
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.rest() == b""


def test_a_body_at_its_limit_and_one_over(simulator):
    # The body is not JSON: 400 instead of 413 shows that it was read whole.
    headers = {"content-type": "application/json"}
    url = simulator.url() + "/v1/chat/completions"
    assert httpx.post(url, content=bytes(BODY_LIMIT), headers=headers, timeout=60).status_code == 400
    with Connection(simulator) as connection:
        connection.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1))
        assert connection.response()[0] == 413
    with Connection(simulator) as connection:
        connection.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (BODY_LIMIT + 1))
        assert connection.response()[0] == 413


def test_a_head_at_its_limit_and_one_over(simulator):
    # A line counts with its line feed; its carriage return is part of it.
    start = b"GET / HTTP/1.1\r\nx: "
    fits = start + b"v" * (HEAD_LIMIT - len(start) - len(b"\r\n\r\n")) + b"\r\n\r\n"
    assert len(fits) == HEAD_LIMIT
    for head, status in [(fits, 404), (fits.replace(b"x: ", b"x: v"), 431)]:
        with Connection(simulator) as connection:
            connection.send(head)
            assert connection.response()[0] == status


def test_the_log_counts_what_reached_each_backend(simulator):
    httpx.post(simulator.url("one") + "/v1/chat/completions", content=CHAT, headers={"x-mark": "1"})
    assert log(simulator, "two") == {"backend": "two", "count": 0, "requests": []}
    seen = log(simulator, "one")
    assert seen["count"] == 1
    (entry,) = seen["requests"]
    assert (entry["method"], entry["path"], entry["model"]) == ("POST", "/v1/chat/completions", "m")
    assert (entry["status"], entry["outcome"]) == (200, "complete")
    assert ["x-mark", "1"] in entry["headers"]
    assert httpx.delete(simulator.url("one") + "/__sim/requests").json()["count"] == 0


def test_the_log_forgets_the_oldest_beyond_its_limit(simulator):
    with Connection(simulator) as connection:
        for start in range(0, 10_001, 73):
            numbers = range(start, min(start + 73, 10_001))
            connection.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in numbers))
            for _ in numbers:
                connection.response()
    seen = log(simulator)
    assert seen["count"] == 10_001 and len(seen["requests"]) == 10_000
    assert seen["requests"][0]["path"] == "/1" and seen["requests"][-1]["path"] == "/10000"


def test_a_request_that_never_ends_is_in_the_log(simulator):
    with Connection(simulator) as connection:
        connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        connection.until(b"\r\n\r\n")
        assert log(simulator)["requests"][0]["outcome"] == "open"


def test_a_stalled_stream_stays_open_after_its_tokens(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", STREAM, b"x-sim-stall: 2"))
        head = connection.until(b"\r\n\r\n")
        assert b"text/event-stream" in head and b"chunked" in head
        events = [connection.until(b"\n\n") for _ in range(3)]
        assert all(b"data: " in event for event in events)
        assert log(simulator)["requests"][0]["outcome"] == "open"
        assert connection.buffer in (b"", b"\r\n")


def test_a_cut_stream_ends_without_its_last_chunk(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", STREAM, b"x-sim-cut: 2"))
        received = connection.rest()
    assert received.count(b"data: ") == 3 and b"[DONE]" not in received and not received.endswith(b"0\r\n\r\n")
    assert log(simulator)["requests"][0]["outcome"] == "cut"


def test_a_cut_body_ends_before_its_length(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", CHAT, b"x-sim-cut: 0"))
        with pytest.raises(EOFError):
            connection.response()


def test_a_reset_is_a_reset(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", CHAT, b"x-sim-reset: 1"))
        with pytest.raises(ConnectionResetError):
            connection.line()
    assert log(simulator)["requests"][0]["outcome"] == "reset"


def test_a_client_that_leaves_is_noticed(simulator):
    with Connection(simulator) as connection:
        connection.send(post(b"/v1/chat/completions", STREAM, b"x-sim-stall: 0"))
        connection.until(b"\r\n\r\n")
        linger = struct.pack("ii", 1, 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    # The simulator may see the reset a moment later, so the log is read until it shows it.
    outcomes = (log(simulator)["requests"][0]["outcome"] for _ in range(1000))
    assert "abandoned" in outcomes


def test_a_slow_reader_gets_a_long_stream_whole(simulator):
    with Connection(simulator) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send(post(b"/v1/chat/completions", STREAM, b"x-sim-tokens: 40000", b"Connection: close"))
        received = connection.rest()
    assert received.count(b"data: ") == 40000 + 3 and received.endswith(b"0\r\n\r\n")


def test_a_delay_and_a_rate_hold_the_answer_back(simulator):
    # Both are lower bounds; nothing is said about how much longer it takes.
    import time

    for headers, body, least in [
        ((b"x-sim-delay-ms: 150",), CHAT, 0.15),
        ((b"x-sim-tokens: 4", b"x-sim-rate: 20"), CHAT, 0.2),
        ((b"x-sim-tokens: 4", b"x-sim-rate: 20"), STREAM, 0.2),
    ]:
        with Connection(simulator) as connection:
            began = time.monotonic()
            connection.send(post(b"/v1/chat/completions", body, b"Connection: close", *headers))
            assert b" 200 " in connection.rest()
            assert time.monotonic() - began >= least


def test_two_thousand_slow_streams_at_once_all_end_well(simulator):
    request = post(b"/v1/chat/completions", STREAM, b"x-sim-tokens: 4", b"x-sim-rate: 2", b"Connection: close")
    connections = [Connection(simulator, ("one", "two")[i % 2]) for i in range(2000)]
    for connection in connections:
        connection.send(request)
    ends = sum(connection.rest().endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") for connection in connections)
    for connection in connections:
        connection.socket.close()
    assert ends == 2000
    assert log(simulator, "one")["count"] == log(simulator, "two")["count"] == 1000


def test_terminating_lets_an_exchange_end_and_takes_no_other(own_simulator):
    with Connection(own_simulator) as busy, Connection(own_simulator) as idle:
        busy.send(post(b"/v1/chat/completions", STREAM, b"x-sim-tokens: 5", b"x-sim-rate: 10"))
        busy.until(b"\r\n\r\n")
        # Shows that the idle connection was accepted before the program is told to end.
        idle.send(b"GET / HTTP/1.1\r\n\r\n")
        idle.response()
        own_simulator.process.terminate()
        assert idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            Connection(own_simulator)
        assert busy.rest().endswith(b"0\r\n\r\n")
    assert own_simulator.process.wait(timeout=20) == 0


def test_a_stepped_stream_sends_a_token_for_each_step(simulator):
    words = "The model says what".split()
    with httpx.stream(
        "POST", simulator.url() + "/v1/chat/completions",
        headers={"x-sim-step": "one-by-one", "x-sim-tokens": "4", "x-sim-number": "7"},
        json={"model": "m", "stream": True, "messages": []},
    ) as response:  # fmt: skip
        lines = (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {"))
        assert next(lines)["id"] == "chatcmpl-sim-7"
        for number, word in enumerate(words, 1):
            assert step(simulator, "one-by-one").json()["steps"] == number
            assert next(lines)["choices"][0]["delta"]["content"].strip() == word


def step(simulator, name, body=None):
    return httpx.post(f"{simulator.url()}/__sim/steps/{name}", content=body)


def test_steps_are_counted_by_name_and_bounded(simulator):
    assert step(simulator, "x", b"3").json()["steps"] == 3
    assert step(simulator, "x").json()["steps"] == 4
    assert step(simulator, "y" * 64, b"1000001").json()["steps"] == 1_000_000
    assert step(simulator, "y" * 65).status_code == 400
    assert step(simulator, "x", b"-1").status_code == 400
    assert step(simulator, "x", b"many").status_code == 400
    assert httpx.get(simulator.url() + "/__sim/steps/x").status_code == 400
    with httpx.Client() as client:
        for number in range(1_000 - 2):
            assert client.post(f"{simulator.url()}/__sim/steps/n{number}").status_code == 200
    assert step(simulator, "one-over").status_code == 400
    assert step(simulator, "x").json()["steps"] == 5
    assert httpx.get(simulator.url() + "/__sim/requests").json()["count"] == 0


def test_equal_requests_with_a_number_get_equal_bytes(simulator):
    def ask():
        return httpx.post(simulator.url() + "/v1/chat/completions", headers={"x-sim-number": "1"},
                          json={"model": "m", "messages": []}).content  # fmt: skip

    assert ask() == ask()
