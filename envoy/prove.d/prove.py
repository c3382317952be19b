"""Runs an Envoy configuration with the real Envoy and the real Tollgate, and says what gets past."""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h2.config
import h2.connection
import h2.events

from configuration import NotProven, Prepared, prepare, read, read_file, route_values
from recorder import Recorder, Seen
from hostile import ENDPOINTS, Request, requests_of

KEY = "tg-prove-0123456789abcdef0123456789abcdef"
START_SECONDS = 60
STOP_SECONDS = 30
REQUEST_SECONDS = 20
AT_ONCE = 32
SHOWN_MAX = 8
# A configuration with hundreds of hosts is tried in the time of a coffee, and what is left out is said.
REQUESTS_MAX = 20_000


@dataclass(frozen=True)
class Passed:
    """A request that reached a cluster without a verdict."""

    phase: str
    chain: int
    request: Request
    cluster: str


class Child:
    """A process that ends when this one does."""

    def __init__(self, name: str, command: list[str], folder: Path):
        self.name = name
        self.log = folder / f"{name}.log"
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder
            )

    def until(self, what: str, is_ready) -> None:
        end = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise NotProven(what, f"{self.name} did not come up:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].rstrip()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port() -> int:
    """A port of loopback that nothing uses, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def policy_text(routes: list[str]) -> str:
    """A model for every route that the configuration names, and one tenant that may use them."""
    import hashlib

    models = {
        f"prove-{route}": {"class": "prove", "routes": [{"name": route}]} for route in routes
    } or {"prove-none": {"class": "prove", "routes": [{"name": "none"}]}}
    allow = [{"paths": [path for path in ENDPOINTS if path not in ("/", "/v1/models")], "models": ["*"]}]
    return json.dumps({
        "version": 1,
        "classes": {"prove": {}},
        "models": models,
        "tenants": {"prove": {
            "keys": [{"id": "prove", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}], "allow": allow,
        }},
    })  # fmt: skip


# Sending.


def send(port: int, request: Request, mark: str) -> int | None:
    """The answer's status; None where the connection was closed without one, or nothing came in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), REQUEST_SECONDS) as connection:
            connection.settimeout(REQUEST_SECONDS)
            if request.framing == "h2":
                return _http2(connection, request, mark)
            connection.sendall(_http1(request, mark))
            answer = b""
            while b"\r\n\r\n" not in answer and len(answer) < 1 << 16:
                piece = connection.recv(1 << 16)
                if not piece:
                    break
                answer += piece
            return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else None
    except (OSError, ValueError):
        return None


def marked(path: str, mark: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}prove={mark}"


def _http1(request: Request, mark: str) -> bytes:
    lines = [f"{request.method} {marked(request.path, mark)} HTTP/1.1", f"host: {request.host}",
             f"x-prove: prove={mark}"]  # fmt: skip
    lines += [f"{name}: {value}" for name, value in request.fields]
    if not any(name == "connection" for name, _ in request.fields):
        lines.append("connection: close")
    body = request.body
    if request.framing == "chunked":
        lines.append("transfer-encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _http2(connection: socket.socket, request: Request, mark: str) -> int | None:
    session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    session.initiate_connection()
    fields = [(":method", request.method), (":scheme", "http"), (":authority", request.host),
              (":path", marked(request.path, mark)), ("x-prove", f"prove={mark}"), *request.fields]  # fmt: skip
    session.send_headers(1, fields, end_stream=not request.body)
    if request.body:
        session.send_data(1, request.body[: session.local_flow_control_window(1)], end_stream=True)
    connection.sendall(session.data_to_send())
    while data := connection.recv(1 << 16):
        for event in session.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                named = dict(event.headers)
                status = named.get(":status", named.get(b":status"))
                return int(status)
            if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                return None
        connection.sendall(session.data_to_send())
    return None


# Judging.


class Proof:
    """One configuration on one Envoy."""

    def __init__(self, arguments, folder: Path):
        self.arguments = arguments
        self.folder = folder
        self.socket = str(folder / "t.sock")
        self.admin = free_port()
        self.page = free_port()
        self.passed: list[Passed] = []
        self.problems: list[str] = []
        self.sent = 0
        self.marks: dict[str, tuple[int, Request]] = {}

    def run(self, tree: dict) -> None:
        self.prepared: Prepared = prepare(
            tree, self.socket, self.arguments.cluster, str(self.folder / "access.log"), free_port
        )
        self.leads = route_values(self.prepared.chains)
        self.routes = list(self.leads)
        bootstrap = self.prepared.bootstrap | {
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.admin}}}
        }
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(bootstrap, indent=1))
        (self.folder / "policy.json5").write_text(policy_text(self.routes))
        self._validate(config)
        self.recorder = Recorder(self.prepared.ports)
        self.recorder.start()
        tollgate = self._tollgate()
        envoy = None
        try:
            envoy = Child("envoy", [
                self.arguments.envoy, "-c", str(config), "--disable-hot-restart", "--log-level", "warn",
                "--concurrency", "2", "--file-flush-interval-msec", "50",
            ], self.folder)  # fmt: skip
            envoy.until("envoy", self._is_live)
            self.asked: dict[str, set[str]] = {}
            self._try("with Tollgate")
            self._check_good()
            tollgate.stop()
            self._judge("with Tollgate")
            self._try("with Tollgate stopped")
            self._judge("with Tollgate stopped")
            self.why = {passed: self._why(passed) for passed in self._examples()}
        finally:
            if envoy:
                envoy.stop()
            tollgate.stop()

    def _validate(self, config: Path) -> None:
        done = subprocess.run(
            [self.arguments.envoy, "--mode", "validate", "-c", str(config), "--log-level", "error"],
            capture_output=True, text=True, timeout=START_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            words = (done.stderr + done.stdout).strip().splitlines()[-3:]
            raise NotProven("envoy --mode validate", " ".join(words))

    def _tollgate(self) -> Child:
        child = Child("tollgate", [
            self.arguments.tollgate, "serve", "--policy", str(self.folder / "policy.json5"),
            "--listen", f"unix:{self.socket}", "--admin", f"127.0.0.1:{self.page}",
            "--data", str(self.folder / "data"),
        ], self.folder)  # fmt: skip
        child.until("tollgate", lambda: self._answers(self.page, "/readyz"))
        return child

    def _is_live(self) -> bool:
        return self._answers(self.admin, "/ready")

    @staticmethod
    def _answers(port: int, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _try(self, phase: str) -> None:
        """Sends every request of every chain; `answers` has the statuses."""
        work = []
        for number, chain in enumerate(self.prepared.chains):
            for request in requests_of(chain, self.routes, KEY):
                mark = f"{len(self.marks) + 1:06x}"
                self.marks[mark] = (number, request)
                work.append((chain.port, request, mark))
        if len(work) > REQUESTS_MAX:
            raise NotProven("requests", f"{len(work)} requests would be sent, at most {REQUESTS_MAX} are")
        self.sent += len(work)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = pool.map(lambda one: send(*one), work)
            self.answers = {one[2]: status for one, status in zip(work, statuses)}

    def _allowed(self) -> dict[str, str | None]:
        """The request ids that Tollgate let through and the model routes that it chose, out of its ledger."""
        ids = {}
        for segment in sorted((self.folder / "data" / "ledger").glob("*.jsonl")):
            for line in segment.read_text().splitlines():
                if '"type":"admission"' in line:
                    record = json.loads(line)
                    if record["decision"] == "allow":
                        ids[record["request_id"]] = record.get("model_route")
        return ids

    def _judge(self, phase: str) -> None:
        """Everything that reached a cluster which requests are routed to must have an admission."""
        allowed = self._allowed() if phase == "with Tollgate" else {}
        arrivals: dict[str, list[str]] = {}
        for seen in self.recorder.take():
            # Envoy's own calls: an authorizer, a processor, a tracer. They come before any verdict.
            if seen.cluster not in self.prepared.upstreams or "/envoy.service." in seen.line:
                self.asked.setdefault(seen.cluster, set()).add(_method(seen))
            elif seen.request_id in allowed:
                arrivals.setdefault(seen.request_id, []).append(seen.cluster)
            else:
                chain, request = self.marks.get(seen.mark, (0, Request(f"unmarked: {seen.line}")))
                self.passed.append(Passed(phase, chain, request, seen.cluster))
        single = {(allowed[one], clusters[0]) for one, clusters in arrivals.items() if len(clusters) == 1}
        astray = {(chosen, cluster) for chosen, cluster in single
                  if self.leads.get(chosen) and cluster not in self.leads[chosen]}  # fmt: skip
        for chosen, cluster in sorted(astray):
            self.problems.append(
                f"the verdict was the route {chosen}, which leads to {', '.join(sorted(self.leads[chosen]))},"
                f" and the request reached {cluster}: an earlier route takes it"
            )
        # The recorder refuses nothing, so nothing is tried again: a second arrival is a copy.
        copies = {tuple(sorted(clusters)) for clusters in arrivals.values() if len(clusters) > 1}
        for clusters in sorted(copies):
            self.problems.append(
                f"one verdict, {len(clusters)} arrivals: a request that was let through once reached"
                f" {', '.join(clusters)} (a mirror): only one of them is in the books"
            )

    def _check_good(self) -> None:
        good = [(mark, *self.marks[mark]) for mark, status in self.answers.items()
                if self.marks[mark][1].is_good and status == 200]  # fmt: skip
        if not self.routes:
            self.problems.append("no route wants a value of x-ai-model-route: no good request can be made")
        elif not good:
            statuses = sorted({str(self.answers[mark]) for mark in self.answers
                               if self.marks[mark][1].is_good})  # fmt: skip
            self.problems.append(
                f"no good request gets through: all were answered {', '.join(statuses)}"
                f" ({self._words()})"
            )

    def _words(self) -> str:
        """What Envoy says about the last requests."""
        lines = (self.folder / "access.log").read_text().splitlines()[-400:]
        details = {json.loads(line).get("details") for line in lines if line.startswith("{")}
        return "Envoy's words: " + ", ".join(sorted(str(one) for one in details if one)[:6])

    # Why.

    def _examples(self) -> list[Passed]:
        """The first request of each phase, chain and cluster."""
        first: dict[tuple, Passed] = {}
        for passed in self.passed:
            first.setdefault((passed.phase, passed.chain, passed.cluster), passed)
        return list(first.values())[:SHOWN_MAX]

    def _why(self, passed: Passed) -> str:
        """Sends it once more, Tollgate as it was, and reads what Envoy says of it."""
        tollgate = self._tollgate() if passed.phase == "with Tollgate" else None
        try:
            before = self._stats()
            mark = f"f{len(self.marks) + 1:06x}"
            self.marks[mark] = (passed.chain, passed.request)
            send(self.prepared.chains[passed.chain].port, passed.request, mark)
            log = self.folder / "access.log"
            end = time.monotonic() + 5
            line = None
            while line is None and time.monotonic() < end:
                found = [one for one in log.read_text().splitlines() if f"prove={mark}" in one]
                line = json.loads(found[-1]) if found else None
                time.sleep(0.02)
            after = self._stats()
        finally:
            if tollgate:
                tollgate.stop()
        moved = [f"{name.rsplit('.', 1)[-1]} of {_filter(name)} +{after[name] - before.get(name, 0)}"
                 for name in after if after[name] > before.get(name, 0)]  # fmt: skip
        route = f"the route {line['route']!r} led there" if line and line["route"] else "a route without a name led there"
        asked = "; ".join(moved) if moved else "neither ext_proc nor ext_authz was asked"
        return f"{route}; {asked}"

    def _stats(self) -> dict[str, int]:
        url = f"http://127.0.0.1:{self.admin}/stats?format=json&filter=(ext_proc|ext_authz)"
        with urllib.request.urlopen(url, timeout=10) as answer:
            stats = json.load(answer)["stats"]
        wanted = ("streams_started", "failure_mode_allowed", "ok", "error", "denied", "disabled")
        return {one["name"]: one["value"] for one in stats
                if one.get("name", "").rsplit(".", 1)[-1] in wanted}  # fmt: skip


def _method(seen: Seen) -> str:
    return seen.line.split("?")[0] if seen.is_grpc else seen.line.split(" ")[0]


def _filter(stat: str) -> str:
    return "ext_proc" if "ext_proc" in stat else "ext_authz"


def curl(port_words: str, request: Request) -> str:
    """The request as a person sends it again."""
    parts = [f"curl -X {request.method} '{port_words}{request.path}' -H 'host: {request.host}'"]
    parts += [f"-H '{name}: {value}'" for name, value in request.fields]
    if request.body:
        parts.append(f"-d '{request.body[:80].decode('latin-1')}'")
    return " ".join(parts)


def report(name: str, proof: Proof, version: str) -> int:
    chains = proof.prepared.chains
    print(f"{name}: {len(chains)} filter chain{'s' * (len(chains) != 1)}, {proof.sent} requests, Envoy {version}")
    for note in proof.prepared.notes:
        print(f"  note: {note}")
    print(f"  Tollgate stands for the cluster {proof.prepared.tollgate_cluster}")
    for cluster, lines in sorted(proof.asked.items()):
        print(f"  also asked or told: {cluster} ({', '.join(sorted(lines)[:3])})")
    for example in proof._examples():
        alike = [one for one in proof.passed if (one.phase, one.chain, one.cluster)
                 == (example.phase, example.chain, example.cluster)]  # fmt: skip
        print(f"  WITHOUT A VERDICT {example.phase}: {chains[example.chain].name}: {len(alike)} requests reached"
              f" the cluster {example.cluster}, the first of them:")  # fmt: skip
        print(f"    {example.request.line}")
        print(f"    {curl('http://GATEWAY', example.request)}")
        print(f"    why: {proof.why[example]}")
    for problem in proof.problems:
        print(f"  PROBLEM {problem}")
    if proof.passed or proof.problems:
        return 1
    print("  proven: no request reached a cluster without a verdict, with Tollgate and with Tollgate stopped")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="envoy/prove")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--cluster")
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--tollgate", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    arguments.envoy, arguments.tollgate = (os.path.abspath(p) for p in (arguments.envoy, arguments.tollgate))
    words = subprocess.run(
        [arguments.envoy, "--version"], capture_output=True, text=True, timeout=60
    ).stdout
    version = re.search(r"/(\d+\.\d+\.\d+)", words)
    code, results = 0, []
    for name in arguments.files:
        with contextlib.ExitStack() as stack:
            if arguments.keep:
                folder = Path(tempfile.mkdtemp(prefix="prove-"))
                print(f"kept in {folder}", file=sys.stderr)
            else:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prove-")))
            proof = Proof(arguments, folder)
            try:
                proof.run(read(name, read_file(name, sys.stdin.buffer)))
            except NotProven as problem:
                print(f"{name}: not-proven: {problem}")
                results.append({"file": name, "not_proven": str(problem)})
                code = 1
                continue
            code = max(code, report(name, proof, version[1] if version else "?"))
            results.append({
                "file": name, "problems": proof.problems, "requests": proof.sent,
                "passed": [{"phase": one.phase, "cluster": one.cluster, "request": one.request.line}
                           for one in proof.passed],
            })  # fmt: skip
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1))
    return code


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
