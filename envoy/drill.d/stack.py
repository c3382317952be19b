"""The demo's processes, each ended by its own id, and what they are asked."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from books import Books
from client import Clients

BACKENDS = [
    "chat-llama3-8b-v1", "chat-llama3-8b-v2", "embed-bge-small-v1", "messages-claude-demo-v1", "misc-small-v1",
]  # fmt: skip
V1, V2, EMBED, MESSAGES, MISC = BACKENDS
# What Tollgate answers by itself, and nobody else asks for here.
PROBE_PATH = "/v1/models"
# A wait that is met at once when all is well.
READY_SECONDS = 30
# What the drill shortens in envoy.yaml, so that no scenario waits for minutes.
CHAT_SECONDS, EMBED_SECONDS, EMBED_TRY_SECONDS, SILENCE_SECONDS, REQUEST_SECONDS = 5, 3, 2, 10, 4
SHORTENED = [
    ("a chat that is no stream", r"(cluster: chat-\S+, timeout: )(120s)", CHAT_SECONDS),
    ("a stream's silence", r"(idle_timeout: )(60s)", SILENCE_SECONDS),
    ("embeddings", r"(cluster: embed-bge-small-v1\n\s+timeout: )(30s)", EMBED_SECONDS),
    ("one try of embeddings", r"(per_try_timeout: )(25s)", EMBED_TRY_SECONDS),
    ("sending a request", r"(request_timeout: )(120s)", REQUEST_SECONDS),
]


class Broken(Exception):
    """The stack cannot go on: every scenario would fail for one reason."""


def shorten(text: str) -> str:
    """Envoy's configuration with the drill's timeouts; every one must be found."""
    for what, pattern, seconds in SHORTENED:
        text, count = re.subn(pattern, rf"\g<1>{seconds}s", text)
        if not count:
            raise Broken(f"envoy.yaml has no timeout for {what}: {pattern}")
    return text


def poll(condition: Callable[[], object], seconds: float = READY_SECONDS):
    """Asks until the condition holds or the time is over; its last value."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


class Process:
    """One child, started by the command line in its file."""

    def __init__(self, run: Path, name: str):
        self.name, self._run = name, run
        self.log_path = run / f"{name}.log"
        self._child: subprocess.Popen | None = None
        # Whether its end was the drill's doing.
        self.is_ended = False

    def start(self) -> None:
        self.is_ended = False
        command = (self._run / f"{self.name}.command").read_text().split("\0")[:-1]
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C is the drill's to see, and to end its children by. Should it
            # be killed itself, they go with it.
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def signal(self, number: int) -> None:
        if self.is_running:
            self._child.send_signal(number)

    def end(self) -> None:
        """SIGTERM, without waiting."""
        self.is_ended = True
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and gone."""
        self.is_ended = True
        self.signal(signal.SIGKILL)
        self._child.wait()

    def stop(self, seconds: float = 15) -> int | None:
        if self._child is None:
            return None
        self.end()
        return self.wait(seconds)

    def wait(self, seconds: float = 15) -> int | None:
        """Its exit code; that of SIGKILL when it takes longer."""
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        return self._child.returncode

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


class Stack:
    """Simulated model servers, each a process; Tollgate; Envoy."""

    def __init__(
        self, run: Path, bin_path: Path, listen_port: int, models_port: int, names: tuple[str, ...] = ("tollgate",)
    ):
        self.run, self.bin = run, bin_path
        self.listen_port, self.models_port = listen_port, models_port
        # Of each Tollgate; one alone is called without a number.
        self.ledgers = [run / name.replace("tollgate", "data") for name in names]
        self.books = Books(*self.ledgers)
        self.clients = Clients(listen_port)
        self.backends = {name: Process(run, name) for name in BACKENDS}
        self.tollgates = [Process(run, name) for name in names]
        self.tollgate = self.tollgates[0]
        self.envoy = Process(run, "envoy")
        self.policy = run / "policy" / "drill.json5"
        config = run / "envoy.yaml"
        config.write_text(shorten(config.read_text()))

    # Beginning and end

    def start(self) -> None:
        for name in BACKENDS:
            self.start_backend(name)
        self.start_gateway()

    def start_gateway(self) -> None:
        for tollgate in self.tollgates:
            tollgate.start()
        for tollgate in self.tollgates:
            self._need(lambda: (self.run / f"{tollgate.name}.sock").exists(), tollgate)
        self.envoy.start()
        self._need(self.is_serving, self.envoy, *self.tollgates)

    def rest(self) -> None:
        """Ends the gateway for a while, so that another may have its ports; `revive` starts it again."""
        self.envoy.stop()
        self.tollgate.stop()

    def stop(self) -> list[tuple[str, int | None]]:
        """Envoy first, so that nobody asks a Tollgate that is gone; names and exit codes."""
        return [(process.name, process.stop()) for process in (self.envoy, self.tollgate, *self.backends.values())]

    def remove(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)

    def revive(self) -> list[str]:
        """Starts what a scenario left behind ended; the names of what ended by itself."""
        every = (*self.backends.values(), self.tollgate, self.envoy)
        ended = [process for process in every if not process.is_running]
        unasked = [process.name for process in ended if not process.is_ended]
        for process in ended:
            process.start()
        if ended:
            self._need(self.is_serving, *ended)
        return unasked

    def start_backend(self, name: str) -> None:
        self.backends[name].start()
        self._need(lambda: listens(self.backend_port(name)), self.backends[name])

    def restart_tollgate(self) -> bool:
        """Starts a Tollgate where one was, and asks only Envoy whether it serves."""
        self.tollgate.start()
        return bool(poll(lambda: self.is_serving() or not self.tollgate.is_running) and self.tollgate.is_running)

    def _need(self, condition, *processes: Process) -> None:
        ready = poll(lambda: condition() or any(not process.is_running for process in processes))
        for process in processes:
            if not process.is_running:
                raise Broken(f"{process.name} ended by itself; its last words:\n{process.log()[-3000:]}")
        if not ready:
            raise Broken(f"{processes[0].name} did not come up in {READY_SECONDS} s")

    def is_serving(self) -> bool:
        """Whether the gateway answers what needs Tollgate, and no backend."""
        connection = http.client.HTTPConnection("127.0.0.1", self.listen_port, timeout=5)
        try:
            connection.request("GET", PROBE_PATH, headers={"host": "localhost", "authorization": "Bearer drill-key"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # Backends

    def backend_port(self, name: str) -> int:
        return self.models_port + BACKENDS.index(name)

    def ask_backend(self, name: str, method: str, path: str, body: bytes | None = None, headers: dict | None = None):
        """A request past the gateway; its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.backend_port(name), timeout=READY_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().read()
        finally:
            connection.close()

    def backend_requests(self, name: str) -> dict:
        return json.loads(self.ask_backend(name, "GET", "/__sim/requests"))

    def reached(self, *names: str) -> int:
        """How many requests reached these backends, or any, since they were started."""
        return sum(self.backend_requests(name)["count"] for name in names or BACKENDS)

    def step(self, name: str, step: str, count: int = 1) -> None:
        """Lets a stepped stream of a backend send so many more tokens."""
        self.ask_backend(name, "POST", f"/__sim/steps/{step}", str(count).encode())

    # Records

    def settled(self) -> bool:
        """Waits until every exchange that was let through has ended."""
        return bool(poll(lambda: not self.books.open))

    def access_log(self, envoy_request_ids: set[str]) -> list[dict]:
        """Envoy's lines of these requests; it writes them twice a second."""

        def found() -> list[dict]:
            lines = (self.run / "access.log").read_text().splitlines(keepends=True)
            entries = (json.loads(line) for line in lines if line.endswith("\n"))
            return [entry for entry in entries if entry["envoy_request_id"] in envoy_request_ids]

        poll(lambda: len(found()) >= len(envoy_request_ids), 10)
        return found()

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """One of Tollgate's commands."""
        return subprocess.run(
            [str(self.bin / "tollgate"), *arguments], capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip

    def page(self, path: str, tollgate: Process | None = None) -> tuple[int, str]:
        """An answer of Tollgate's page: status and body."""
        with socket.socket(socket.AF_UNIX) as page:
            page.settimeout(5)
            page.connect(str(self.run / f"{(tollgate or self.tollgate).name}-admin.sock"))
            connection = http.client.HTTPConnection("localhost")
            connection.sock = page
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode().strip()

    def write_policy(self, text: str) -> None:
        """Replaces the drill's part of the policy in one step, as an editor does, and asks for a reload."""
        fresh = self.run / "fresh"
        fresh.write_text(text)
        os.replace(fresh, self.policy)
        self.tollgate.signal(signal.SIGHUP)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
