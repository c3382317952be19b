"""The admin server on its sockets: strict HTTP/1.1, bounded, read-only, and true about readiness."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import httpx
import pytest

import harness
import policy as policies
from crash_rounds import books_policy
from harness import DRAIN_SECONDS, Stack, StackOptions, free_port, poll
from test_crash import HELD
from test_disk import Ballast, disk, until_refused  # noqa: F401

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD_BYTES_MAX = 16 << 10
REQUEST_LINE_BYTES_MAX = 4096
FIELDS_MAX = 64
CONNECTIONS_MAX = 64


@pytest.fixture(scope="module")
def probes_port():
    return free_port()


@pytest.fixture(scope="module")
def stack(probes_port):
    policy = policies.build(limits=[{"name": "everybody", "tokens": 1000, "per": "day"}])
    policy["models"]["bge-small"]["price_usd_per_million"] = {"prompt": 0.02}
    policy["tenants"]["tenant-c"] = {
        "keys": [{"id": "c", "sha256": policies.digest("a key of tenant-c")}],
        "allow": [{"paths": ["/v1/embeddings"], "models": ["bge-*"]}],
        "limits": [
            {"name": "rpm", "requests": 60, "per": "minute"},
            {"name": "monthly", "usd": 12.5, "per": "month"},
            {"name": "slots", "concurrent": 4},
        ],
    }
    arguments = ("--metrics", f"0.0.0.0:{probes_port}")
    options = StackOptions(policy=policy, envoy=None, tollgate_arguments=arguments)
    with Stack(options) as running:
        yield running


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def until_end(client: socket.socket) -> bytes:
    """Everything until the peer closes. It must close with FIN: a reset fails the test."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def exchange(port: int, data: bytes) -> bytes:
    with connect(port) as client:
        client.sendall(data)
        return until_end(client)


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


def get(stack: Stack, path: str, **headers: str) -> httpx.Response:
    return httpx.get(stack.tollgate.admin + path, headers=headers, timeout=30)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_on_both_addresses(stack, probes_port, path):
    for base in (stack.tollgate.admin, f"http://127.0.0.1:{probes_port}"):
        answer = httpx.get(base + path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_the_metrics_address_has_three_paths(stack, probes_port):
    base = f"http://127.0.0.1:{probes_port}"
    for path in ("/", "/api/v1/status", "/api/v1/tenants", "/index.html", "/healthz/", "//healthz"):
        assert httpx.get(base + path).status_code == 404, path
    # Under any name: Prometheus asks for the pod by its own.
    assert httpx.get(base + "/healthz", headers={"host": "pod.example"}).status_code == 200


@pytest.mark.parametrize(
    "host, expected",
    [("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:9090", 200), ("10.1.2.3", 200),
     ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421), ("a b", 400)],
)  # fmt: skip
def test_the_page_answers_to_no_name_that_dns_could_have_pointed_here(stack, host, expected):
    for path in ("/", "/metrics", "/api/v1/status", "/healthz", "/readyz"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        # Probes have names of their own, and are told nothing of the traffic.
        is_health = path in ("/healthz", "/readyz")
        wanted = 200 if expected == 421 and is_health else expected
        assert status(exchange(stack.tollgate.admin_port, request.encode())) == wanted, path


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
STATUS = {
    "version", "now", "started", "uptime_seconds", "ready", "reasons", "draining", "inflight",
    "policy", "ledger", "ship", "store",
}  # fmt: skip
POLICY = {
    "revision", "generation", "loaded_at", "reloads", "refused", "tenants", "models", "problems",
    "warnings",
}  # fmt: skip
LEDGER = {
    "state", "reason", "next_seq", "durable_seq", "clock", "queued_bytes", "disk_bytes", "max_bytes", "bytes_per_hour", "hours_left",
    "segments",
    "flushes", "failures", "carried", "refused",
}  # fmt: skip
LIMIT = {
    "name", "owner", "kind", "per", "scope", "amount", "capacity", "used", "reserved", "remaining",
    "resets_at", "counters",
}  # fmt: skip
TOTALS = {"requests", "denials", "prompt_tokens", "completion_tokens", "cost_usd", "inflight"}


def test_the_status_is_as_agreed(stack):
    answer = get(stack, "/api/v1/status")
    assert answer.headers["content-type"] == "application/json"
    status = answer.json()
    assert status.keys() == STATUS
    assert status["policy"].keys() == POLICY and status["ledger"].keys() == LEDGER
    assert status["ready"] is True and status["reasons"] == [] and status["draining"] is False
    for time in (status["now"], status["started"], status["policy"]["loaded_at"]):
        assert TIME.fullmatch(time)
    assert status["started"] <= status["policy"]["loaded_at"] <= status["now"]
    assert status["ledger"]["state"] == "writable" and status["ledger"]["reason"] is None
    assert 0 < status["ledger"]["durable_seq"] < status["ledger"]["next_seq"]
    assert status["policy"]["generation"] == 1 and status["ship"] == []


def test_the_traffic_and_the_refusals_are_as_agreed(stack):
    traffic = get(stack, "/api/v1/traffic").json()
    assert traffic.keys() == {"now", "totals", "routes", "models"}
    assert traffic["totals"].keys() == TOTALS
    assert isinstance(traffic["totals"]["cost_usd"], str)
    canary = next(model for model in traffic["models"] if model["model"] == "canary")
    assert [(route["name"], route["weight"]) for route in canary["routes"]] == [
        ("canary-v1", 90), ("canary-v2", 10),
    ]  # fmt: skip
    # There was no request yet, so a share is unknown and not 0.
    assert {route["share"] for route in canary["routes"]} == {None}
    assert get(stack, "/api/v1/refusals").json() == {"refusals": []}


def test_tenants_come_in_pages(stack):
    def tenants(query: str) -> dict:
        return get(stack, "/api/v1/tenants" + query).json()

    everything = tenants("")
    assert everything.keys() == {"total", "offset", "global", "tenants"}
    names = [tenant["tenant"] for tenant in everything["tenants"]]
    assert names == ["tenant-a", "tenant-b", "tenant-c"] and everything["total"] == 3
    assert [limit["name"] for limit in everything["global"]] == ["everybody"]
    limits = everything["tenants"][2]["limits"]
    assert {limit["name"] for limit in limits} == {"rpm", "monthly", "slots"}
    for limit in limits:
        assert limit.keys() == LIMIT
    monthly = next(limit for limit in limits if limit["kind"] == "usd")
    assert monthly["amount"] == "12.5" and monthly["used"] == "0"
    page = tenants("?offset=1&limit=1")
    assert page["total"] == 3 and page["offset"] == 1
    assert [tenant["tenant"] for tenant in page["tenants"]] == ["tenant-b"]
    assert [t["tenant"] for t in tenants("?search=ANT-c")["tenants"]] == ["tenant-c"]
    assert tenants("?search=%3Cb%3E") | {"global": []} == {
        "total": 0, "offset": 0, "global": [], "tenants": [],
    }  # fmt: skip
    assert tenants("?offset=1000")["tenants"] == []


@pytest.mark.parametrize("query", ["limit=201", "limit=0", "limit=x", "offset=-1", "search=%ff",
                                   "search=" + "x" * 401])  # fmt: skip
def test_a_page_out_of_bounds_is_refused(stack, query):
    answer = get(stack, "/api/v1/tenants?" + query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"]
    assert get(stack, "/api/v1/tenants?limit=200").status_code == 200


def test_metrics_are_prometheus_text_on_both_addresses(stack, probes_port):
    for base in (stack.tollgate.admin, f"http://127.0.0.1:{probes_port}"):
        answer = httpx.get(base + "/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        samples = dict(
            line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")
        )
        assert samples["ai_gateway_ledger_writable"] == "1"
        assert samples['ai_gateway_limit_amount{tenant="tenant-c",limit="monthly",kind="usd",'
                       'per="month"}'] == "12.5"  # fmt: skip
        assert float(samples["process_resident_memory_bytes"]) > 1 << 20
        assert int(samples["process_open_fds"]) > 3 and int(samples["process_threads"]) > 3


def test_the_page_is_one_file_under_a_policy_of_hashes(stack):
    answer = get(stack, "/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'sha256-",
                     answer.headers["content-security-policy"])  # fmt: skip
    assert get(stack, "/?x=1").content == answer.content
    assert "<!doctype html>" in answer.text[:20]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/status", "/nowhere"])
def test_only_get_and_head(stack, method, path):
    answer = httpx.request(method, stack.tollgate.admin + path, content=b"")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "GET and HEAD" in answer.json()["error"]["message"]


def test_head_is_get_without_the_body(stack):
    for path in ("/healthz", "/readyz", "/nowhere"):
        got = get(stack, path)
        head = httpx.head(stack.tollgate.admin + path)
        assert head.status_code == got.status_code and head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


def test_an_unknown_path_is_404_and_says_so_in_json(stack):
    for path in ("/nowhere", "/api/v1", "/api/v1/", "/api/v2/status", "/../etc/passwd", "/%68ealthz"):
        answer = get(stack, path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"error"}


def test_every_answer_keeps_browsers_from_doing_anything_with_it(stack):
    for path in ("/healthz", "/nowhere"):
        headers = get(stack, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "request_bytes, expected",
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"GET /" + b"x" * REQUEST_LINE_BYTES_MAX, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX, 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * FIELDS_MAX + b"\r\n", 431),
    ],
)  # fmt: skip
def test_a_bad_request_gets_its_status_and_the_end(stack, request_bytes, expected):
    # What follows is never read as a request: there is one answer.
    answer = exchange(stack.tollgate.admin_port, request_bytes + REQUEST)
    assert status(answer) == expected
    assert answer.count(b"\r\ndate: ") == 1
    assert b"\r\nconnection: close\r\n" in answer


def test_a_large_upload_is_refused_without_a_reset(stack):
    """Closing with unread input would reset the connection, and the client would lose the answer."""
    with connect(stack.tollgate.admin_port) as client:
        head = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
        # At once, so that the answer is given while most of it has not been read.
        client.sendall(head + b"x" * 50_000)
        answer = until_end(client)
    assert status(answer) == 405


def test_the_limits_themselves_are_taken(stack):
    line = b"GET /" + b"x" * (REQUEST_LINE_BYTES_MAX - 14) + b" HTTP/1.1"
    assert len(line) == REQUEST_LINE_BYTES_MAX
    end = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert status(exchange(stack.tollgate.admin_port, line + end)) == 404
    fields = b"GET / HTTP/1.1" + b"\r\nX: 1" * (FIELDS_MAX - 2) + end
    assert status(exchange(stack.tollgate.admin_port, fields)) in (200, 404)


def test_pipelined_requests_are_answered_in_order_on_one_connection(stack):
    paths = ["/healthz", "/nowhere", "/readyz", "/healthz"] * 50
    requests = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths]
    requests.append("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = exchange(stack.tollgate.admin_port, "".join(requests).encode())
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [404 if path == "/nowhere" else 200 for path in paths] + [200]


def test_a_client_that_finishes_sending_first_gets_its_answers(stack):
    with connect(stack.tollgate.admin_port) as client:
        client.sendall(REQUEST * 3)
        client.shutdown(socket.SHUT_WR)
        assert until_end(client).count(b"200 OK") == 3


def test_byte_by_byte_is_as_good_as_whole(stack):
    with connect(stack.tollgate.admin_port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in REQUEST:
            client.sendall(bytes([byte]))
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_those_who_hold_connections_keep_nobody_out(stack, probes_port):
    """More connections than the bound, half of them with half a request: the oldest make room."""
    with contextlib.ExitStack() as held:
        for number in range(CONNECTIONS_MAX + 20):
            client = held.enter_context(connect(probes_port))
            if number % 2:
                client.sendall(REQUEST[:20])
        for base in (stack.tollgate.admin, f"http://127.0.0.1:{probes_port}"):
            assert httpx.get(base + "/healthz", timeout=30).status_code == 200


def test_a_request_that_drips_in_is_ended(stack):
    """Slowloris: the time is of the whole head, so that one byte now and then gains nothing."""
    with connect(stack.tollgate.admin_port) as client:
        client.sendall(REQUEST[:10])
        # Later than the connection itself: the answer comes whatever is sent.
        client.settimeout(0.5)
        answer = b""
        end = time.monotonic() + 60
        while time.monotonic() < end and not answer:
            client.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(65536)
        assert status(answer) == 408


def test_a_unix_socket_is_for_its_owner_and_group(tmp_path):
    path = tmp_path / "a.sock"
    arguments = ("--admin", f"unix:{path}")
    with Stack(StackOptions(envoy=None, tollgate_arguments=arguments)) as stack:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
            # On a Unix socket the file's permissions say who may ask, so any host name is good.
            answer = client.get("http://any.example/readyz")
            assert answer.status_code == 200 and answer.text == "ready\n"
            assert client.get("http://any.example/nowhere").status_code == 404
        stack.tollgate.stop()
        assert not path.exists()


def test_off_is_off():
    with Stack(StackOptions(envoy=None, tollgate_arguments=("--admin", "off"))) as stack:
        with pytest.raises(ConnectionRefusedError):
            connect(stack.tollgate.admin_port)


def serve(stack: Stack, *arguments: str) -> subprocess.CompletedProcess:
    """A start that is to fail."""
    command = [
        str(harness.BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path), "--data",
        str(stack.folder / "other"), "--listen", f"unix:{stack.folder}/other.sock", *arguments,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=DRAIN_SECONDS)


def test_a_taken_address_ends_the_start_with_its_reason(stack):
    taken = f"127.0.0.1:{stack.tollgate.admin_port}"
    for flag in ("--admin", "--metrics"):
        other = ["--admin", "off"] if flag == "--metrics" else []
        ended = serve(stack, flag, taken, *other)
        assert ended.returncode == 1
        assert f"cannot listen on {taken}" in ended.stderr and flag in ended.stderr


def test_a_page_for_everybody_is_refused_with_the_remedy(stack):
    ended = serve(stack, "--admin", "0.0.0.0:9090")
    assert ended.returncode == 2
    assert "--metrics 0.0.0.0:9090" in ended.stderr


def test_readiness_says_that_the_ledger_cannot_be_written(disk):  # noqa: F811
    policy = books_policy()
    stack = Stack(StackOptions(policy=policy))
    stack.tollgate.data = disk / "data"
    with stack:
        assert get(stack, "/readyz").text == "ready\n"
        ballast = Ballast(disk)
        ballast.fill()
        until_refused(stack)
        answer = get(stack, "/readyz")
        assert answer.status_code == 503
        assert answer.text.startswith("the ledger cannot be written: ")
        # The process itself is well: a restart would not help.
        assert get(stack, "/healthz").status_code == 200
        ballast.free()
        poll("it heals", lambda: get(stack, "/readyz").status_code == 200)
        assert stack.chat().status_code == 200


def test_readiness_is_false_while_draining_and_answered_until_the_end():
    with Stack() as stack:
        held: list = []
        client = threading.Thread(target=lambda: held.append(stack.chat(headers=HELD)))
        client.start()
        poll("one is at the backend", lambda: stack.recorder.open == 1)
        stack.tollgate.expected_dead = True
        stack.tollgate.process.signal(signal.SIGTERM)
        poll("it is draining", lambda: get(stack, "/readyz").status_code == 503)
        assert get(stack, "/readyz").text == "draining\n"
        assert get(stack, "/healthz").status_code == 200
        stack.recorder.release()
        client.join(60)
        assert held[0].status_code == 200
        assert stack.tollgate.process.wait(DRAIN_SECONDS) == 0


def test_it_is_alive_and_not_ready_while_the_ledger_is_recovered():
    """A FIFO where the last segment should be holds recovery up for as long as the test wants."""
    with Stack(StackOptions(envoy=None)) as stack:
        stack.tollgate.stop()
        ledger = stack.tollgate.data / "ledger"
        last = sorted(ledger.glob("*.jsonl"))[-1]
        content = last.read_bytes()
        last.unlink()
        os.mkfifo(last)
        command = [
            str(harness.BINARIES / "tollgate"), "serve", "--policy", str(stack.policy_path),
            "--data", str(stack.tollgate.data), "--listen", stack.tollgate.socket,
            "--admin", f"127.0.0.1:{stack.tollgate.admin_port}",
        ]  # fmt: skip
        process = harness.Process("held", command, stack.folder)
        try:
            def asked(path: str) -> httpx.Response | None:
                with contextlib.suppress(httpx.HTTPError):
                    return get(stack, path)
                return None

            poll("it is alive", lambda: asked("/healthz"))
            answer = get(stack, "/readyz")
            assert answer.status_code == 503
            assert "starting" in answer.text.splitlines()
            # What there is, is shown.
            status = get(stack, "/api/v1/status").json()
            assert status["ready"] is False and status["ledger"] is None
            assert get(stack, "/metrics").status_code == 200
            assert get(stack, "/api/v1/tenants").status_code == 200
        finally:
            process.child.kill()
            process.child.wait()
            last.unlink()
            last.write_bytes(content)
